//! Which of two series belong together: the cheapest way to turn one into the other.

/// What it costs that something has no partner. Two things that cost as much as two of these stay apart.
const ALONE: u32 = 3;
/// Above so many pairs of what differs, things are paired in their order.
const PAIRS_LIMIT: usize = 4_000_000;

/// A place in either series, or in both.
pub(super) type Pair = (Option<usize>, Option<usize>);

/// Pairs of places of two series of these lengths, in order. `cost` says how ill two places fit; 0 is perfect.
pub(super) fn align(lengths: (usize, usize), cost: impl Fn(usize, usize) -> u32) -> Vec<Pair> {
    let (n, m) = lengths;
    let shorter = n.min(m);
    let head = (0..shorter).take_while(|i| cost(*i, *i) == 0).count();
    let tail = (0..shorter - head).take_while(|i| cost(n - 1 - i, m - 1 - i) == 0).count();
    let (middle_n, middle_m) = (n - head - tail, m - head - tail);
    let both = |count: usize, n: usize, m: usize| (0..count).map(move |i| (Some(n + i), Some(m + i)));
    let mut pairs: Vec<Pair> = both(head, 0, 0).collect();
    if middle_n.saturating_mul(middle_m) > PAIRS_LIMIT {
        let common = middle_n.min(middle_m);
        pairs.extend(both(common, head, head));
        pairs.extend((common..middle_n).map(|i| (Some(head + i), None)));
        pairs.extend((common..middle_m).map(|i| (None, Some(head + i))));
    } else {
        let inner = cheapest((middle_n, middle_m), |i, j| cost(head + i, head + j));
        let shifted = |place: Option<usize>| place.map(|place| place + head);
        pairs.extend(inner.into_iter().map(|(i, j)| (shifted(i), shifted(j))));
    }
    pairs.extend(both(tail, n - tail, m - tail));
    pairs
}

fn cheapest((n, m): (usize, usize), cost: impl Fn(usize, usize) -> u32) -> Vec<Pair> {
    let width = m + 1;
    // table[i * width + j]: the least cost of the first i and the first j.
    let mut table = vec![0_u32; (n + 1) * width];
    for i in 0..=n {
        for j in 0..=m {
            let mut least = u32::MAX;
            if i == 0 && j == 0 {
                least = 0;
            }
            if i > 0 {
                least = least.min(table[(i - 1) * width + j] + ALONE);
            }
            if j > 0 {
                least = least.min(table[i * width + j - 1] + ALONE);
            }
            if i > 0 && j > 0 {
                least = least.min(table[(i - 1) * width + j - 1].saturating_add(paired(cost(i - 1, j - 1))));
            }
            table[i * width + j] = least;
        }
    }
    let (mut i, mut j) = (n, m);
    let mut pairs = Vec::new();
    while i > 0 || j > 0 {
        let here = table[i * width + j];
        if i > 0 && j > 0 && here == table[(i - 1) * width + j - 1].saturating_add(paired(cost(i - 1, j - 1)))
        {
            (i, j) = (i - 1, j - 1);
            pairs.push((Some(i), Some(j)));
        } else if j > 0 && here == table[i * width + j - 1] + ALONE {
            j -= 1;
            pairs.push((None, Some(j)));
        } else {
            i -= 1;
            pairs.push((Some(i), None));
        }
    }
    pairs.reverse();
    pairs
}

/// Things that fit too ill are never a pair.
const fn paired(cost: u32) -> u32 {
    if cost < 2 * ALONE { cost } else { 4 * ALONE }
}

#[cfg(test)]
mod tests {
    use super::{PAIRS_LIMIT, align};

    /// Pairs of letters; a capital fits its small letter at cost 1, others do not fit.
    fn show(a: &str, b: &str) -> String {
        let (a, b) = (a.as_bytes(), b.as_bytes());
        let cost = |i: usize, j: usize| match (a[i], b[j]) {
            (a, b) if a == b => 0,
            (a, b) if a.eq_ignore_ascii_case(&b) => 1,
            _ => 9,
        };
        let sign = |letters: &[u8], at: Option<usize>| at.map_or('-', |at| char::from(letters[at]));
        let pairs = align((a.len(), b.len()), cost);
        pairs.iter().flat_map(|(i, j)| [sign(a, *i), sign(b, *j), ' ']).collect()
    }

    #[test]
    fn what_fits_best_is_paired() {
        for (a, b, pairs) in [
            ("", "", ""),
            ("ab", "ab", "aa bb "),
            ("abc", "ac", "aa b- cc "),
            ("ac", "abc", "aa -b cc "),
            ("abc", "aBc", "aa bB cc "),
            ("aaa", "aa", "aa aa a- "),
            ("ab", "cd", "a- b- -c -d "),
            ("", "x", "-x "),
        ] {
            assert_eq!(show(a, b), pairs, "{a} {b}");
        }
    }

    #[test]
    fn very_long_series_are_paired_in_order() {
        let many = 3000;
        assert!(many * many > PAIRS_LIMIT);
        let pairs = align((many, many + 1), |_, _| 9);
        assert_eq!(pairs[0], (Some(0), Some(0)));
        assert_eq!(pairs[many], (None, Some(many)));
        assert_eq!(pairs.len(), many + 1);
    }
}
