//! The few system interfaces that `nix` lacks, each behind a function that cannot be misused.

#![expect(unsafe_code, reason = "socket options, ioctls and stamped reads have no safe counterpart in nix")]

use std::fs::File;
use std::io::{self, Seek, Write};
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Turns the -1 of a C function into the errno behind it.
fn checked(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// A socket that is closed on exec.
pub(super) fn socket(domain: i32, kind: i32, protocol: i32) -> io::Result<OwnedFd> {
    // SAFETY: takes no pointers.
    let fd = checked(unsafe { libc::socket(domain, kind | libc::SOCK_CLOEXEC, protocol) })?;
    // SAFETY: the kernel just gave us this descriptor; nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Binds to an address given as the bytes of its `sockaddr`.
pub(super) fn bind(fd: BorrowedFd<'_>, address: &[u8]) -> io::Result<()> {
    let length = libc::socklen_t::try_from(address.len()).map_err(io::Error::other)?;
    // SAFETY: the pointer is valid for `length` bytes, which the kernel only reads.
    checked(unsafe { libc::bind(fd.as_raw_fd(), address.as_ptr().cast(), length) }).map(drop)
}

/// Sets a socket option from the bytes of its value.
pub(super) fn set_option(fd: RawFd, level: i32, name: i32, value: &[u8]) -> io::Result<()> {
    let length = libc::socklen_t::try_from(value.len()).map_err(io::Error::other)?;
    // SAFETY: the pointer is valid for `length` bytes, which the kernel only reads.
    checked(unsafe { libc::setsockopt(fd, level, name, value.as_ptr().cast(), length) }).map(drop)
}

/// Sets a socket option that is an int.
pub(super) fn set_int(fd: RawFd, level: i32, name: i32, value: i32) -> io::Result<()> {
    set_option(fd, level, name, &value.to_ne_bytes())
}

/// Reads a socket option; says how many bytes there are.
pub(super) fn get_option(fd: RawFd, level: i32, name: i32, value: &mut [u8]) -> io::Result<usize> {
    let mut length = libc::socklen_t::try_from(value.len()).map_err(io::Error::other)?;
    // SAFETY: the pointer is valid for `length` bytes, and the kernel writes no more.
    checked(unsafe { libc::getsockopt(fd, level, name, value.as_mut_ptr().cast(), &raw mut length) })?;
    Ok(value.len().min(length as usize))
}

/// Attaches a classic BPF program of `(code, jump if true, jump if false, operand)` to a socket.
pub(super) fn attach_filter(fd: RawFd, program: &[(u16, u8, u8, u32)]) -> io::Result<()> {
    let mut filter: Vec<libc::sock_filter> =
        program.iter().map(|&(code, jt, jf, k)| libc::sock_filter { code, jt, jf, k }).collect();
    let fprog = libc::sock_fprog {
        len: u16::try_from(filter.len()).map_err(io::Error::other)?,
        filter: filter.as_mut_ptr(),
    };
    let length = libc::socklen_t::try_from(size_of::<libc::sock_fprog>()).map_err(io::Error::other)?;
    // SAFETY: `fprog` points to `len` instructions that live until the call has copied them.
    checked(unsafe {
        libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, (&raw const fprog).cast(), length)
    })
    .map(drop)
}

/// An ioctl on a socket that reads or writes one int through a pointer: `SIOCINQ` and its like.
pub(super) fn socket_queue(fd: RawFd, request: u64) -> io::Result<i32> {
    let mut value: libc::c_int = 0;
    // SAFETY: the requests passed here (SIOCINQ, SIOCOUTQ, SIOCOUTQNSD) write one int.
    checked(unsafe { libc::ioctl(fd, request as libc::Ioctl, &raw mut value) })?;
    Ok(value)
}

/// Makes an opened TUN node the device `name` with `flags`.
pub(super) fn tun_create(fd: BorrowedFd<'_>, name: &str, flags: i32) -> io::Result<()> {
    // SAFETY: all bytes zero is a valid `ifreq`: it consists of numbers, byte arrays and pointers.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes().take(libc::IFNAMSIZ - 1)) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = flags as libc::c_short;
    // SAFETY: TUNSETIFF reads and writes one `ifreq`.
    checked(unsafe { libc::ioctl(fd.as_raw_fd(), libc::TUNSETIFF, &raw mut request) }).map(drop)
}

/// Says which offloads the reader of a TUN device can do.
pub(super) fn tun_offload(fd: BorrowedFd<'_>, offloads: u32) -> io::Result<()> {
    // SAFETY: TUNSETOFFLOAD takes its argument by value.
    checked(unsafe { libc::ioctl(fd.as_raw_fd(), libc::TUNSETOFFLOAD, libc::c_ulong::from(offloads)) })
        .map(drop)
}

/// A packet read without waiting: how long it is and when it was stamped, in nanoseconds of the real-time
/// clock. `None` where there is none, or it carries no stamp.
pub(super) fn read_stamped(
    fd: BorrowedFd<'_>,
    buffer: &mut [u8],
) -> io::Result<Option<(usize, Option<i64>)>> {
    let mut control = [0_u64; 16];
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: all bytes zero is a valid `msghdr`.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control) as _;
    // SAFETY: every pointer in `message` is valid for the length beside it, until the call returns.
    let length = unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut message, libc::MSG_DONTWAIT) };
    if length < 0 {
        let error = io::Error::last_os_error();
        return match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(None),
            _ => Err(error),
        };
    }
    let mut stamp = None;
    // SAFETY: the kernel filled `control`; the CMSG functions stay inside the length it wrote.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(&raw const message);
        while !header.is_null() {
            if (*header).cmsg_level == libc::SOL_SOCKET && (*header).cmsg_type == libc::SCM_TIMESTAMPNS {
                let time = ptr::read_unaligned(libc::CMSG_DATA(header).cast::<libc::timespec>());
                stamp = Some(time.tv_sec * 1_000_000_000 + time.tv_nsec);
            }
            header = libc::CMSG_NXTHDR(&raw const message, header);
        }
    }
    Ok(Some((length.unsigned_abs(), stamp)))
}

/// Lets a signal run a handler that does nothing, so that it interrupts calls.
pub(super) fn catch(signal: i32, restart: bool) -> io::Result<()> {
    extern "C" fn nothing(_: libc::c_int) {}
    // SAFETY: all bytes zero is a valid `sigaction`: no handler, no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = nothing as *const () as usize;
    action.sa_flags = if restart { libc::SA_RESTART } else { 0 };
    // SAFETY: the handler touches nothing, so it may run at any moment.
    checked(unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) }).map(drop)
}

/// Sends a signal to one thread of this process.
pub(super) fn kill_thread(thread: i32, signal: i32) -> io::Result<()> {
    // SAFETY: takes no pointers.
    let result = unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread, signal) };
    checked(result as libc::c_int).map(drop)
}

/// Blocks (or unblocks) a signal in the calling thread.
pub(super) fn mask(signal: i32, blocked: bool) {
    let how = if blocked { libc::SIG_BLOCK } else { libc::SIG_UNBLOCK };
    // SAFETY: `set` is initialised by sigemptyset before it is used; the calls only touch it.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        libc::pthread_sigmask(how, &raw const set, ptr::null_mut());
    }
}

/// Takes a blocked signal off the calling thread; whether there was one.
pub(super) fn take_signal(signal: i32) -> bool {
    let none = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `set` is initialised by sigemptyset before it is used; all pointers live through the call.
    unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        libc::sigtimedwait(&raw const set, ptr::null_mut(), &raw const none) == signal
    }
}

/// The scheduling policy and priority of the calling thread.
pub(super) fn scheduling() -> (i32, i32) {
    let mut parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: thread 0 is the calling one; the kernel writes one `sched_param`.
    let policy = unsafe {
        libc::sched_getparam(0, &raw mut parameters);
        libc::sched_getscheduler(0)
    };
    (policy, parameters.sched_priority)
}

/// Sets the scheduling policy and priority of the calling thread.
pub(super) fn schedule(policy: i32, priority: i32) -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: priority };
    // SAFETY: thread 0 is the calling one; the kernel reads one `sched_param`.
    checked(unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) }).map(drop)
}

/// Lets no thread of this process run for longer than so many microseconds in the real-time class without sleeping:
/// the kernel ends a process that does, with SIGXCPU. Where that is refused there is no limit, as before.
pub(super) fn limit_real_time(micros: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: micros, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the kernel reads one `rlimit`.
    checked(unsafe { libc::setrlimit(libc::RLIMIT_RTTIME, &raw const limit) }).map(drop)
}

/// Raises the number of files this process may have open to the most it may ask for; says what it is now.
pub(super) fn raise_file_limit() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel reads and writes one `rlimit`.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 {
            let raised = libc::rlimit { rlim_cur: limit.rlim_max, ..limit };
            if libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) == 0 {
                limit = raised;
            }
        }
    }
    limit.rlim_cur
}

/// Closes a descriptor that was counted by its number only.
pub(super) fn close(fd: RawFd) {
    // SAFETY: the caller took the number out of the table that owned it, so it is closed once.
    unsafe { libc::close(fd) };
}

/// A file in memory that holds the data, to be read from its beginning.
pub(super) fn memory_file(data: &[u8]) -> io::Result<File> {
    // SAFETY: the name is a string that ends with a 0.
    let fd = checked(unsafe { libc::memfd_create(c"tcpdrill".as_ptr(), libc::MFD_CLOEXEC) })?;
    // SAFETY: the kernel just gave us this descriptor; nobody else has it.
    let mut file = File::from(unsafe { OwnedFd::from_raw_fd(fd) });
    file.write_all(data)?;
    file.rewind()?;
    Ok(file)
}

/// Lets the runtime that is entered watch a descriptor for something to read.
pub(super) fn watch(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` is an open descriptor, the same one as long as it lives.
    unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }.map_err(io::Error::from)
}

/// A timer of CLOCK_MONOTONIC.
pub(super) fn timer() -> io::Result<OwnedFd> {
    let flags = libc::TFD_NONBLOCK | libc::TFD_CLOEXEC;
    // SAFETY: takes no pointers.
    let fd = checked(unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, flags) })?;
    // SAFETY: the kernel just gave us this descriptor; nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sets a timer to a moment in nanoseconds; one that has passed makes it readable at once.
pub(super) fn set_timer(fd: BorrowedFd<'_>, nanos: i64) -> io::Result<()> {
    let never = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // 0 would switch it off.
    let nanos = nanos.max(1);
    let moment = libc::itimerspec {
        it_interval: never,
        it_value: libc::timespec { tv_sec: nanos / 1_000_000_000, tv_nsec: nanos % 1_000_000_000 },
    };
    let flags = libc::TFD_TIMER_ABSTIME;
    // SAFETY: the kernel reads one `itimerspec`.
    checked(unsafe { libc::timerfd_settime(fd.as_raw_fd(), flags, &raw const moment, ptr::null_mut()) })
        .map(drop)
}
