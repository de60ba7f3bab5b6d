//! What code comes to.

use std::fmt::Write as _;

use super::{Block, Code, NotUnderstood};
use crate::case::{DescriptorId, Said};

/// Lowers blocks one after the other; the claims of the last, one a line, with what they say.
fn lowered(blocks: &[&str]) -> String {
    let mut code = Code::default();
    let mut text = String::new();
    for (step, block) in blocks.iter().enumerate() {
        text.clear();
        match code.lower(Block { text: block, socket: Some((DescriptorId(0), "s")), step }) {
            Ok(looked) => {
                for claim in looked.claims {
                    write!(text, "{}", claim.truth).unwrap();
                    if !claim.says.is_empty() {
                        text.push_str(", ");
                    }
                    for part in claim.says {
                        match part {
                            Said::Text(said) => text.push_str(&said),
                            Said::Value(expr) => write!(text, "[{expr}]").unwrap(),
                        }
                    }
                    text.push('\n');
                }
            }
            Err(NotUnderstood { at, what }) => writeln!(text, "{at:?} {what}").unwrap(),
        }
    }
    text
}

#[track_caller]
fn comes_to(blocks: &[&str], expected: &str) {
    assert_eq!(lowered(blocks).trim_end(), expected, "{blocks:?}");
}

#[test]
fn an_assertion_is_a_claim_and_says_its_message() {
    comes_to(&["assert tcpi_unacked == 3, tcpi_unacked"], "s.tcpi_unacked == 3, [s.tcpi_unacked]");
    comes_to(
        &["assert tcpi_ca_state == TCP_CA_Loss, 'state %d of 100%%' % tcpi_ca_state"],
        "s.tcpi_ca_state == 4, state [s.tcpi_ca_state] of 100%",
    );
    comes_to(
        &["assert (tcpi_options & TCPI_OPT_SYN_DATA) != 0, (tcpi_options, 'x')"],
        "(s.tcpi_options & 32) != 0, ([s.tcpi_options], x)",
    );
    comes_to(&["assert tcpi_lost == 0, repr(tcpi_lost)"], "s.tcpi_lost == 0, repr(tcpi_lost)");
    comes_to(&["assert 0 == tcpi_lost # nothing"], "0 == s.tcpi_lost");
}

#[test]
fn times_are_numbers_in_the_units_of_the_kernel() {
    comes_to(&["assert 9000 <= tcpi_rtt <= 12000"], "9000 <= (s.tcpi_rtt / 1us) <= 12000");
    comes_to(&["assert tcpi_last_ack_recv < 5"], "(s.tcpi_last_ack_recv / 1ms) < 5");
    comes_to(&["assert tcpi_busy_time"], "(s.tcpi_busy_time / 1us) != 0");
}

#[test]
fn variables_last_from_block_to_block() {
    comes_to(&["cwnd = 10", "cwnd += 1; assert tcpi_snd_cwnd == cwnd, cwnd"], "s.tcpi_snd_cwnd == 11, 11");
    comes_to(
        &["LARGE = 0x7fffffff", "assert tcpi_snd_ssthresh == LARGE"],
        "s.tcpi_snd_ssthresh == 2147483647",
    );
    comes_to(&["a = b = 2", "assert tcpi_lost == a * b"], "s.tcpi_lost == 4");
}

#[test]
fn what_the_socket_was_asked_for_is_kept() {
    // The step that looks keeps it under its name.
    comes_to(&["old = tcpi_snd_cwnd"], "s.tcpi_snd_cwnd >= 0");
    comes_to(
        &["old = tcpi_snd_cwnd * 2", "print(old)", "assert tcpi_snd_cwnd > old, old"],
        "s.tcpi_snd_cwnd > (code1.s.tcpi_snd_cwnd * 2), [(code1.s.tcpi_snd_cwnd * 2)]",
    );
    comes_to(&["old = tcpi_rtt", "assert tcpi_rtt > old"], "(s.tcpi_rtt / 1us) > (code1.s.tcpi_rtt / 1us)");
}

#[test]
fn a_block_without_an_assertion_looks_at_the_socket() {
    comes_to(&["print(tcpi_snd_cwnd)"], "s.tcpi_state >= 0");
    comes_to(&[""], "s.tcpi_state >= 0");
}

#[test]
fn fractions_are_exact() {
    comes_to(&["assert tcpi_snd_cwnd >= 0.7 * 10"], "s.tcpi_snd_cwnd >= 7");
    comes_to(&["assert tcpi_rtt / 1000 <= 2.5"], "(s.tcpi_rtt / 1us) <= 2500");
    comes_to(
        &["assert tcpi_snd_cwnd == 7 // 2 + -7 // 2 + 7 % 4 + (1 << 4) + 2 ** 3"],
        "s.tcpi_snd_cwnd == 26",
    );
    comes_to(&["assert tcpi_lost == (6 ^ 3) + ~0"], "s.tcpi_lost == 4");
}

#[test]
fn conditions_and_loops() {
    comes_to(
        &["n = 3\nif n > 2:\n  assert tcpi_lost == 1\nelse:\n  assert tcpi_lost == 2"],
        "s.tcpi_lost == 1",
    );
    comes_to(
        &[
            "if tcpi_lost > 0:\n  assert tcpi_sacked == 1\nelif tcpi_lost == 0: assert tcpi_sacked == 2\nelse:\n  pass",
        ],
        "(not s.tcpi_lost > 0 or s.tcpi_sacked == 1)\n(not not s.tcpi_lost > 0 or not s.tcpi_lost == 0 or s.tcpi_sacked == 2)",
    );
    comes_to(&["t = 0\nfor i in range(1, 4):\n  t += i\nassert tcpi_lost == t"], "s.tcpi_lost == 6");
    comes_to(&["assert tcpi_state in (TCP_CLOSE, TCP_LISTEN)"], "(s.tcpi_state == 7 or s.tcpi_state == 10)");
    comes_to(&["assert tcpi_lost not in [1]"], "not s.tcpi_lost == 1");
    comes_to(&["assert abs(tcpi_lost - 3) <= 1"], "max((s.tcpi_lost - 3), (0 - (s.tcpi_lost - 3))) <= 1");
    comes_to(&["assert min(tcpi_lost, 2, 5) == len([1, 2])"], "min(min(s.tcpi_lost, 2), 5) == 2");
}

#[test]
fn lines_go_on_after_a_backslash_and_in_brackets() {
    comes_to(&["assert tcpi_lost == 1, \\\n   'lost'"], "s.tcpi_lost == 1, lost");
    comes_to(&["assert (tcpi_lost ==\n 1)"], "s.tcpi_lost == 1");
    comes_to(
        &["assert tcpi_lost == 1\n\n  # indented\nassert tcpi_sacked == 2"],
        "s.tcpi_lost == 1\ns.tcpi_sacked == 2",
    );
}

#[test]
fn what_is_not_understood_is_named_where_it_stands() {
    comes_to(&["import os"], "0..6 \"import\" in code");
    comes_to(&["assert tcpi_cwnd == 3"], "7..16 the name tcpi_cwnd in code, which is not set");
    comes_to(&["x = open('f')"], "4..13 a call of open in code");
    comes_to(&["assert 1 / 0 == 1"], "7..12 code that divides by zero");
    comes_to(&["assert tcpi_lost == 'a'"], "20..23 an operation between such values in code");
    comes_to(&["x = 1\n  y = 2"], "8..9 code that is indented without a reason");
    comes_to(&["if tcpi_lost: x = 1"], "18..19 x, set under a condition that is not known beforehand");
    comes_to(
        &["x = tcpi_lost\nfor i in range(50): x = x + x\nassert x"],
        "38..43 code whose values are too large",
    );
    comes_to(&["x = 1\nfor i in range(50): x = (x, x)\nassert x"], "31..35 code whose values are too large");
    comes_to(&["x = 'long'\nfor i in range(50): x += x\nassert x"], "31..37 code whose values are too large");
    comes_to(&["for i in range(100000): pass"], "9..22 a loop of so many rounds in code");
    comes_to(&["assert ((1"], "10..10 code that ends too early");
    comes_to(&["assert 'a"], "7..8 a string without an end");
    comes_to(&[&"(".repeat(5_000)], "4001..4001 code of so many words in one line");
    comes_to(&[&format!("x = {}1", "-".repeat(200))], "44..45 brackets nested so deep");
}

#[test]
fn without_a_socket_the_block_fails() {
    let mut code = Code::default();
    let looked = code.lower(Block { text: "assert 1 == 1", socket: None, step: 0 }).unwrap();
    assert_eq!(looked.claims[0].truth.to_string(), "1 == 0");
}
