//! What calls need of a target.

use super::{Capability, Scalar, Syscall, constant};

impl Syscall<Scalar> {
    /// What a target must be able to do for this call.
    #[must_use]
    pub fn needs(&self) -> Vec<Capability> {
        let mut out = Vec::new();
        let flags = match self {
            Self::EpollCreate { .. } | Self::EpollCtl { .. } | Self::EpollWait { .. } => {
                out.push(Capability::Epoll);
                return out;
            }
            Self::Recv { flags, .. }
            | Self::Recvfrom { flags, .. }
            | Self::Recvmsg { flags, .. }
            | Self::Send { flags, .. }
            | Self::Sendto { flags, .. }
            | Self::Sendmsg { flags, .. } => flags,
            Self::Setsockopt { level, name, .. } => {
                let option = |wanted_level: &str, wanted: &str| {
                    *level == Scalar::Known(constant(wanted_level).unwrap_or(-1))
                        && *name == Scalar::Known(constant(wanted).unwrap_or(-1))
                };
                if option("SOL_SOCKET", "SO_ZEROCOPY") {
                    out.push(Capability::Zerocopy);
                }
                if option("SOL_TCP", "TCP_MD5SIG") {
                    out.push(Capability::Md5);
                }
                if option("SOL_TCP", "TCP_FASTOPEN") || option("SOL_TCP", "TCP_FASTOPEN_CONNECT") {
                    out.push(Capability::Fastopen);
                }
                if option("SOL_IP", "IP_RECVERR") || option("SOL_IPV6", "IPV6_RECVERR") {
                    out.push(Capability::Errqueue);
                }
                return out;
            }
            _ => return out,
        };
        let Scalar::Known(flags) = flags else {
            return out;
        };
        for (name, capability) in [
            ("MSG_OOB", Capability::Urgent),
            ("MSG_ERRQUEUE", Capability::Errqueue),
            ("MSG_ZEROCOPY", Capability::Zerocopy),
            ("MSG_FASTOPEN", Capability::Fastopen),
        ] {
            if constant(name).is_some_and(|bit| flags & bit != 0) {
                out.push(capability);
            }
        }
        out
    }
}
