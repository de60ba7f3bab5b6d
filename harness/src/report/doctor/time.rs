//! How exactly a case is timed.

use crate::target::machine::{Machine, Tried};

use super::Finding;

/// Woken later than this, one time in a hundred, runs are repeated for it. Nanoseconds.
const LATE: i64 = 1_000_000;
/// Coarser timers than this are those of a kernel without high-resolution timers. Nanoseconds.
const COARSE: i64 = 100_000;
/// Clock sources that take microseconds to read, or tick slowly.
const SLOW_SOURCES: [&str; 4] = ["acpi_pm", "hpet", "jiffies", "refined-jiffies"];

pub(super) fn scheduling(machine: &Machine) -> Finding {
    match (&machine.scheduling.real_time, &machine.scheduling.limited) {
        (Tried::Worked, Tried::Worked) => Finding::good(
            "scheduling",
            "threads of cases run in the real-time class, for 2 s at most without sleeping",
        ),
        (Tried::Worked, Tried::Refused { errno, .. }) => Finding::note(
            "scheduling",
            format!("threads of cases run in the real-time class, and RLIMIT_RTTIME cannot be set ({errno})"),
            "raise the hard limit (ulimit -HR unlimited)",
        ),
        (Tried::Refused { errno, .. }, _) => Finding::note(
            "scheduling",
            format!("the real-time class is refused ({errno}): on a busy machine more runs are repeated"),
            if machine.user.id == 0 {
                "give the process CAP_SYS_NICE (--cap-add SYS_NICE), or the control group real-time time"
            } else {
                "run as root, or let the user have priority 1 (rtprio in limits.conf, ulimit -r 1)"
            },
        ),
    }
}

pub(super) fn lateness(machine: &Machine) -> Finding {
    let Some(late) = machine.clock.lateness else {
        return Finding::note("waking up", "how late threads are woken could not be measured", "");
    };
    let found = format!(
        "{} late at the median, {} at 99 %, {} at worst, of {} waits",
        micros(late.median),
        micros(late.p99),
        micros(late.max),
        late.waits
    );
    if late.p99 <= LATE {
        return Finding::good("waking up", found);
    }
    Finding::note(
        "waking up",
        found,
        "the tolerance grows with it and runs are repeated: use an idle machine, or run fewer at once (--jobs)",
    )
}

pub(super) fn clock(machine: &Machine) -> Finding {
    let clock = &machine.clock;
    let source = clock.source.as_deref().unwrap_or("unknown");
    // A kernel is built with 100, 250, 300 or 1000.
    let hz = (1_000_000_000 + clock.jiffy / 2) / clock.jiffy.max(1);
    let found = format!("source {source}, HZ {hz}: timers of TCP tick every {}", micros(clock.jiffy));
    if clock.resolution > COARSE {
        let text = format!("{found}; timers are no finer than {}", micros(clock.resolution));
        return Finding::note(
            "clock",
            text,
            "use a kernel with high-resolution timers (CONFIG_HIGH_RES_TIMERS)",
        );
    }
    if SLOW_SOURCES.contains(&source) {
        let todo = "choose a faster source, if the machine has one \
                    (/sys/devices/system/clocksource/clocksource0/available_clocksource)";
        return Finding::note("clock", format!("{found}; this source is slow to read"), todo);
    }
    Finding::good("clock", found)
}

/// Nanoseconds for a person.
fn micros(nanos: i64) -> String {
    if nanos < 1_000_000 {
        format!("{} us", nanos / 1_000)
    } else {
        format!("{}.{:02} ms", nanos / 1_000_000, nanos % 1_000_000 / 10_000)
    }
}
