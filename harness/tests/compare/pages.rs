//! What people see.

use tcpdrill::compare::{Ignored, compare};
use tcpdrill::report::{CompareFinding, Compared, Style, comparison_line, comparison_page, comparison_text};
use tcpdrill::time::Span;
use tcpdrill::wire::{Body, TcpOption};

use super::planted::Plant;
use super::{SKETCH, case, run, side};

/// Shows a planted difference with `show`.
fn shown(plant: Plant, show: impl Fn(&Compared<'_>) -> String) -> String {
    let case = case(SKETCH);
    let (before, after) = (run(&case, Plant::None), run(&case, plant));
    let comparison = compare(&case, side("before", &before), side("after", &after), &Ignored::default());
    let verdicts = (before.report.verdict.name(), after.report.verdict.name());
    let finding = match comparison.first() {
        Some(_) => CompareFinding::Differs(comparison),
        None => CompareFinding::Equal(comparison),
    };
    show(&Compared { case: &case, names: ("before", "after"), verdicts, finding: &finding })
}

fn page(plant: Plant, width: usize, colour: bool) -> String {
    let page = shown(plant, |compared| comparison_page(compared, Style { colour, width }));
    // Snapshots are read by people: colours as marks.
    page.replace('\u{1b}', "^")
}

fn options(packet: &mut tcpdrill::wire::Packet) {
    let Body::Tcp(tcp) = &mut packet.body else { panic!("not a segment") };
    tcp.options = vec![TcpOption::Mss(1400), TcpOption::Wscale(7), TcpOption::Nop];
}

#[test]
fn side_by_side() {
    insta::assert_snapshot!("options_at_160", page(Plant::Segment(0, options), 160, false));
    insta::assert_snapshot!("options_at_120", page(Plant::Segment(0, options), 120, false));
    insta::assert_snapshot!("extra_at_120", page(Plant::Repeat(3), 120, false));
    insta::assert_snapshot!("missing_at_110_in_colour", page(Plant::Lose(3), 110, true));
}

#[test]
fn one_below_the_other() {
    insta::assert_snapshot!("options_at_80", page(Plant::Segment(0, options), 80, false));
    insta::assert_snapshot!("late_at_80_in_colour", page(Plant::Delay(3, Span::millis(40)), 80, true));
    insta::assert_snapshot!("equal_at_80", page(Plant::None, 80, false));
}

#[test]
fn no_line_is_longer_than_the_terminal() {
    for width in [60, 80, 100, 109, 110, 120, 160, 200] {
        for plant in [Plant::Segment(0, options), Plant::Lose(3), Plant::Hang(8), Plant::State(1)] {
            let page = page(plant, width, false);
            let longest = page.lines().max_by_key(|line| line.chars().count()).unwrap();
            assert!(longest.chars().count() <= width, "{width}: {longest}");
        }
    }
}

/// Without colours the text says the same.
#[test]
fn colours_add_nothing() {
    for plant in [Plant::Segment(0, options), Plant::Lose(3)] {
        let plain = page(plant, 120, false);
        let coloured = shown(plant, |compared| comparison_page(compared, Style { colour: true, width: 120 }));
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
        assert_ne!(coloured, plain);
    }
}

#[test]
fn lines_of_many_tests() {
    let line = |plant| {
        shown(plant, |compared| comparison_text(compared, Style::default()).unwrap_or("nothing".to_owned()))
    };
    let lines = [Plant::Segment(0, options), Plant::Lose(3), Plant::Repeat(3), Plant::None].map(line);
    insta::assert_snapshot!("lines", lines.join("\n"));
    insta::assert_snapshot!("json", shown(Plant::Lose(3), comparison_line));
}
