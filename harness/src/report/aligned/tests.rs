use crate::report::Style;
use crate::verdict::FieldDifference;

use super::{packets, values};

fn difference(field: &str, expected: &str, actual: &str) -> FieldDifference {
    FieldDifference::new(field, expected, actual)
}

fn shown(expected: &str, actual: &str, fields: &[&str]) -> Vec<String> {
    let fields: Vec<FieldDifference> = fields.iter().map(|field| difference(field, "", "")).collect();
    let lines = packets(expected, actual, &fields, Style::default());
    lines.into_iter().map(|line| line.get(12..).unwrap_or_default().to_owned()).collect()
}

#[test]
fn only_what_differs_is_marked() {
    let table: &[(&str, &str, &[&str], [&str; 3])] = &[
        (
            ". 1:1(0) ack 1001",
            ". 1:1(0) ack 1 win 64240",
            &["ack"],
            [". 1:1(0) ack 1001", ". 1:1(0) ack 1    win 64240", "             ^"],
        ),
        (
            "P. 1:11(10) ack 1",
            ". 1:21(20) ack 1 win 5",
            &["flags", "length"],
            ["P. 1:11(10) ack 1", ".  1:21(20) ack 1 win 5", "^      ^^^^"],
        ),
        (
            "S 0:0(0) <mss 1460,sackOK,nop,wscale 7>",
            "S 0:0(0) win 5 <mss 1000,nop,wscale any>",
            &["mss", "options"],
            [
                "S 0:0(0)       <mss 1460,sackOK,nop,wscale 7>",
                "S 0:0(0) win 5 <mss 1000       ,nop,wscale any>",
                "                ^^^^^^^^ ~~~~~~     ^^^^^^^^^^",
            ],
        ),
        (
            "S 0:0(0) <mss 1460,...>",
            "S 0:0(0) win 5 <mss 1000,nop,nop>",
            &["mss"],
            [
                "S 0:0(0)       <mss 1460,...>",
                "S 0:0(0) win 5 <mss 1000     ,nop,nop>",
                "                ^^^^^^^^",
            ],
        ),
        (
            "icmp unreachable port [1:1(0)]",
            "icmp unreachable host [1(any)]",
            &["code"],
            ["icmp unreachable port [1:1(0)]", "icmp unreachable host [1(any)]", "                 ^^^^"],
        ),
    ];
    for (expected, actual, fields, lines) in table {
        assert_eq!(shown(expected, actual, fields), lines, "{expected} and {actual}");
    }
}

#[test]
fn values_mark_the_words_that_differ() {
    let field = difference("returns", "-1 ECONNREFUSED", "-1 EAGAIN");
    assert_eq!(
        values(&field, Style::default()),
        [
            "  expected  returns -1 ECONNREFUSED",
            "  actual    returns -1 EAGAIN",
            "                       ^^^^^^",
        ]
    );
}

#[test]
fn narrow_lines_are_broken_between_fields() {
    let fields = [difference("win", "1000", "64240")];
    let style = Style { width: 40, ..Style::default() };
    assert_eq!(
        packets(". 1:1001(1000) ack 1 win 1000", ". 1:1001(1000) ack 1 win 64240", &fields, style),
        [
            "  expected  . 1:1001(1000) ack 1",
            "  actual    . 1:1001(1000) ack 1",
            "  expected   win 1000",
            "  actual     win 64240",
            "                 ^^^^^",
        ]
    );
}

#[test]
fn colour_stands_for_marks() {
    let fields = [difference("ack", "1001", "1")];
    let style = Style { colour: true, ..Style::default() };
    let lines = packets(". 1:1(0) ack 1001", ". 1:1(0) ack 1", &fields, style);
    assert_eq!(lines.len(), 2);
    assert!(lines[0].contains("ack \u{1b}[32m1001"), "{lines:?}");
    assert!(lines[1].contains("31m1\u{1b}["), "{lines:?}");
}
