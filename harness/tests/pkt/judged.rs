//! Code and commands of scripts: that they decide a verdict, and how it reads.

use std::path::Path;

use tcpdrill::case::{Action, Case, Claim, Expr};
use tcpdrill::front::pkt::{Files, Options, from_bytes};
use tcpdrill::run::{RunOptions, run_case};
use tcpdrill::target::TargetFactory;
use tcpdrill::target::bundled::BundledFactory;
use tcpdrill::verdict::{Problem, Verdict};

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pkt/scripts");

/// A connection that was accepted as 4.
const ACCEPTED: &str = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n\
    +0 bind(3, ..., ...) = 0\n\
    +0 listen(3, 1) = 0\n\
    +0 < S 0:0(0) win 32000 <mss 1000,sackOK,nop,nop>\n\
    +0 > S. 0:0(0) ack 1 <...>\n\
    +.1 < . 1:1(0) ack 1 win 32000\n\
    +0 accept(3, ..., ...) = 4\n";

/// Files beside the scripts of a folder.
struct Beside(std::path::PathBuf);

impl Files for Beside {
    fn read(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.0.join(path)).ok()
    }
}

fn lowered(path: &str, text: &str, options: &Options) -> Vec<Case> {
    let folder = Path::new(path).parent().expect("a folder").to_owned();
    match from_bytes(path, "t", text.as_bytes(), options, &Beside(folder)) {
        Ok(variants) => variants.cases,
        Err(wrong) => panic!("{}", wrong.render(false)),
    }
}

fn verdict(case: &Case, factory: &dyn TargetFactory) -> Verdict {
    run_case(case, factory, RunOptions::default()).report.verdict
}

/// What comes of a script as IPv4.
fn judged(text: &str, factory: &dyn TargetFactory) -> Verdict {
    verdict(&lowered("./t.pkt", text, &Options::default())[0], factory)
}

/// The only problem of a script that fails on the bundled stack.
fn problem(text: &str) -> Problem {
    match judged(text, &BundledFactory::new()) {
        Verdict::Fail(mismatches) if mismatches.len() == 1 => mismatches[0].problem.clone(),
        other => panic!("{other:?}"),
    }
}

fn skipped(text: &str, factory: &dyn TargetFactory) -> String {
    match judged(text, factory) {
        Verdict::Skipped { missing } => missing,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_assertion_that_does_not_hold_shows_itself_its_values_and_its_message() {
    let code = "+0 %{ assert 1 <= tcpi_unacked <= 3,  'unacked %d of %d' % (tcpi_unacked, 2) }%\n";
    let Problem::NotTrue { expression, values, says } = problem(&format!("{ACCEPTED}{code}")) else {
        panic!("another problem")
    };
    assert_eq!(expression, "1 <= tcpi_unacked <= 3");
    assert_eq!(values, [("fd4.tcpi_unacked".to_owned(), "0".to_owned())]);
    assert_eq!(says.as_deref(), Some("unacked 0 of 2"));
}

#[test]
fn code_needs_a_socket_under_test_with_a_descriptor() {
    // A connection that was not accepted yet has none, and a closed one has none any more.
    let waits = ACCEPTED.rsplit_once("+0 accept").expect("a call").0;
    for text in [
        format!("{waits}+0 %{{ print(tcpi_state) }}%\n"),
        format!("{ACCEPTED}+0 close(4) = 0\n+0 > F. 1:1(0) ack 1\n+0 %{{ print(tcpi_state) }}%\n"),
    ] {
        let Problem::NotTrue { says, .. } = problem(&text) else { panic!("another problem") };
        assert_eq!(says.as_deref(), Some("no socket is under test whose TCP_INFO could be read"), "{text}");
    }
}

#[test]
fn what_is_not_understood_skips_the_script_and_is_named_with_its_line() {
    let bundled = BundledFactory::new();
    let text = format!("{ACCEPTED}+0 %{{\nassert tcpi_unacked == 0\nimport os\n}}%\n");
    assert_eq!(skipped(&text, &bundled), "line 10: \"import\" in code");
    let text = format!("`sysctl -q net.ipv4.tcp_sack=1\n iptables -F`\n{ACCEPTED}");
    assert_eq!(skipped(&text, &bundled), "line 1: the command \"iptables -F\"");
    let text = format!("{ACCEPTED}+0 `ethtool -K tun0 tso off`\n");
    let reason = "line 8: switching segmentation offload off while the script runs";
    assert_eq!(skipped(&text, &bundled), reason);
    let text = format!("`./no-such-file.sh`\n{ACCEPTED}");
    let reason = "line 1: the command \"./no-such-file.sh\" (./no-such-file.sh cannot be read)";
    assert_eq!(skipped(&text, &bundled), reason);
}

#[test]
fn what_a_command_finds_out_is_judged() {
    for command in [
        "nstat | grep TcpExtListenOverflows > /dev/null",
        "grep \" 0A \" /proc/net/tcp | grep \":1F91\"",
        "false",
        "ip route change 198.51.100.7 dev tun0 mtu 1000",
    ] {
        let text = format!("{ACCEPTED}+0 `{command}`\n");
        assert!(matches!(problem(&text), Problem::NotTrue { .. }), "{command}");
    }
    // The listener is gone.
    let text = format!("{ACCEPTED}+0 close(3) = 0\n+0 `grep \" 0A \" /proc/net/tcp | grep \":1F90\"`\n");
    assert!(matches!(problem(&text), Problem::NotTrue { .. }));
    // The counter grew before, and not since.
    let grew = "`nstat | grep TcpPassiveOpens > /dev/null`\n";
    let text = format!("{ACCEPTED}+0 `nstat > /dev/null`\n+0 {grew}");
    assert!(matches!(problem(&text), Problem::NotTrue { .. }));
    assert_eq!(judged(&format!("{ACCEPTED}+0 {grew}"), &BundledFactory::new()), Verdict::Pass);
}

#[test]
fn a_target_that_lacks_what_is_set_skips_the_script_unless_it_may_be_missing() {
    let bundled = BundledFactory::new();
    let with = |command: &str| format!("`{command}`\n{ACCEPTED}");
    assert_eq!(skipped(&with("tc qdisc replace dev tun0 root fq"), &bundled), "setting qdisc");
    assert_eq!(skipped(&with("ip route change 192.0.2.1 dev tun0 advmss 500"), &bundled), "setting route");
    assert_eq!(
        skipped(&with("sysctl -q net.ipv4.tcp_base_mss=512"), &bundled),
        "setting net.ipv4.tcp_base_mss"
    );
    assert_eq!(judged(&with("sysctl -e net.ipv4.tcp_base_mss=512"), &bundled), Verdict::Pass);
    assert_eq!(judged(&with("tc qdisc add dev tun0 root pfifo"), &bundled), Verdict::Pass);
}

/// The cases of all scripts in a folder.
fn folder(name: &str) -> Vec<Case> {
    let entries = std::fs::read_dir(Path::new(SCRIPTS).join(name)).expect("a folder of scripts");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "pkt"));
    paths.sort();
    let lower = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).expect("a script");
        lowered(&path.to_string_lossy(), &text, &Options::default())
    };
    paths.iter().flat_map(lower).collect()
}

/// Every assertion of the scripts, turned round, fails them at its step.
fn turned_round(factory: &dyn TargetFactory, cases: &[Case]) -> usize {
    let mut count = 0;
    for case in cases {
        if !matches!(verdict(case, factory), Verdict::Pass) {
            continue;
        }
        for (index, step) in case.steps.iter().enumerate() {
            let Action::Assert(claims) = &step.action else { continue };
            for place in 0..claims.len() {
                let mut case = case.clone();
                let Action::Assert(claims) = &mut case.steps[index].action else { continue };
                let Claim { truth, written, says } = claims[place].clone();
                claims[place] = Claim { truth: Expr::Not(Box::new(truth)), written, says };
                match verdict(&case, factory) {
                    Verdict::Fail(mismatches) => {
                        assert!(mismatches.iter().any(|mismatch| mismatch.step == index), "{step:?}");
                    }
                    other => panic!("claim {place} of {step:?}: {other:?}"),
                }
                count += 1;
            }
        }
    }
    count
}

#[test]
fn every_assertion_of_the_scripts_can_fail() {
    let cases: Vec<Case> = ["code", "commands"].into_iter().flat_map(folder).collect();
    let count = turned_round(&BundledFactory::new(), &cases);
    assert!(count > 100, "{count} assertions were turned round");
}

#[cfg(all(feature = "linux", target_os = "linux"))]
mod linux {
    use tcpdrill::target::linux::LinuxFactory;

    use super::{ACCEPTED, Case, Options, Verdict, folder, judged, lowered, skipped, verdict};

    fn factory() -> Option<LinuxFactory> {
        LinuxFactory::new().inspect_err(|error| eprintln!("skipped: {error}")).ok()
    }

    /// Without its commands every script of them comes out otherwise.
    #[test]
    fn every_command_of_the_scripts_matters() {
        let Some(factory) = factory() else { return };
        let same =
            ["defaults.pkt", "sourced.pkt", "fallback.pkt", "modules.pkt", "listening.pkt", "counters.pkt"];
        for mut case in folder("commands") {
            if same.iter().any(|name| case.sources.files[0].path.ends_with(name)) {
                continue;
            }
            case.settings.clear();
            case.link = tcpdrill::case::Link { offload: tcpdrill::case::Offload::Tso, ..Default::default() };
            for step in &mut case.steps {
                if let tcpdrill::case::Action::Set(settings) = &mut step.action {
                    settings.clear();
                }
            }
            let path = &case.sources.files[0].path;
            assert!(matches!(verdict(&case, &factory), Verdict::Fail(_)), "{path} {}", case.id);
        }
    }

    #[test]
    fn parameters_of_modules_are_left_as_they_are() {
        let Some(factory) = factory() else { return };
        let file = "/sys/module/tcp_cubic/parameters/hystart_detect";
        let Ok(before) = std::fs::read_to_string(file) else { return };
        let text = format!("`echo 77 > {file}`\n{ACCEPTED}");
        let missing = skipped(&text, &factory);
        assert!(missing.starts_with("tcp_cubic.hystart_detect = 77: "), "{missing}");
        assert_eq!(std::fs::read_to_string(file).expect("a file"), before);
    }

    #[test]
    fn queues_and_metrics_that_the_kernel_does_not_know_are_missing() {
        let Some(factory) = factory() else { return };
        let text = format!("`tc qdisc replace dev tun0 root nosuchqueue`\n{ACCEPTED}");
        assert_eq!(skipped(&text, &factory), "qdisc nosuchqueue, which this kernel does not have");
        let text = format!("`tc qdisc replace dev tun0 root fq`\n{ACCEPTED}");
        match judged(&text, &factory) {
            Verdict::Pass => {}
            Verdict::Skipped { missing } => assert_eq!(missing, "qdisc fq, which this kernel does not have"),
            other => panic!("{other:?}"),
        }
    }

    fn in_shell(command: &str) -> Case {
        let options = Options { allow_shell: true, ..Options::default() };
        let text = format!("`{command}`\n{ACCEPTED}+0 `{command}`\n");
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pkt/scripts/commands/shell.pkt");
        lowered(path, &text, &options).remove(0)
    }

    #[test]
    fn where_a_shell_is_allowed_it_runs_in_the_namespace_and_in_the_folder_of_the_script() {
        let Some(factory) = factory() else { return };
        assert_eq!(
            verdict(&in_shell("test -f sysctl.pkt && grep -q tcpdrill0 /proc/net/dev"), &factory),
            Verdict::Pass
        );
        assert!(!std::fs::read_to_string("/proc/net/dev").expect("devices").contains("tcpdrill0"));
        for command in ["test -f nowhere.pkt", "exit 3", "kill -2 $$"] {
            assert!(matches!(verdict(&in_shell(command), &factory), Verdict::Fail(_)), "{command}");
        }
    }

    #[test]
    fn a_shell_is_not_for_other_targets() {
        let bundled = tcpdrill::target::bundled::BundledFactory::new();
        assert_eq!(
            verdict(&in_shell("test -f sysctl.pkt"), &bundled),
            Verdict::Skipped { missing: "a shell".to_owned() }
        );
    }
}
