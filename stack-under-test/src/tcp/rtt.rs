//! Round-trip time and the retransmission time-out made of it.

use core::time::Duration;

use crate::settings::Settings;
use crate::wire::seq::SeqNum;

/// RFC6298/2.1
const INITIAL_RTO: Duration = Duration::from_secs(1);

/// Linux's estimator: RFC 6298 in fixed point, with the variation bounded from below by the minimum time-out and allowed
/// to fall once a round trip only. Linux adds the minimum to the smoothed time where `RFC6298/2.4` takes the larger of
/// the sum and one second.
#[derive(Clone, Debug)]
pub(crate) struct RttEstimator {
    /// Smoothed time in eighths of a microsecond; zero before the first measurement.
    smoothed: u64,
    /// Mean deviation in quarters of a microsecond.
    deviation: u64,
    deviation_max: u64,
    /// What the time-out adds, in microseconds.
    variation: u64,
    /// The variation may fall when this is acknowledged.
    round_end: SeqNum,
    rto: Duration,
    min: Option<Duration>,
}

impl RttEstimator {
    pub(crate) fn new() -> Self {
        Self {
            smoothed: 0,
            deviation: 0,
            deviation_max: 0,
            variation: 0,
            round_end: SeqNum(0),
            rto: INITIAL_RTO,
            min: None,
        }
    }

    pub(crate) fn rto(&self) -> Duration {
        self.rto
    }

    /// The smoothed time, if any was measured.
    pub(crate) fn smoothed(&self) -> Option<Duration> {
        (self.smoothed != 0).then(|| Duration::from_micros(self.smoothed >> 3))
    }

    pub(crate) fn mean_deviation(&self) -> Duration {
        Duration::from_micros(self.deviation >> 2)
    }

    pub(crate) fn min(&self) -> Option<Duration> {
        self.min
    }

    /// RFC6298/5.5
    pub(crate) fn back_off(&mut self, settings: &Settings) {
        self.rto = (self.rto * 2).min(settings.rto_max);
    }

    /// The time-out after so many doublings.
    pub(crate) fn back_off_to(&mut self, doublings: u32, settings: &Settings) {
        let base = match self.smoothed {
            0 => INITIAL_RTO,
            smoothed => Duration::from_micros((smoothed >> 3) + self.variation),
        };
        self.rto = base.saturating_mul(1 << doublings.min(16)).min(settings.rto_max);
    }

    /// Takes a measurement of a segment that was sent once only (`RFC6298/3a`). `una` and `nxt` are those after the
    /// acknowledgement that brought it.
    pub(crate) fn measure(&mut self, sample: Duration, una: SeqNum, nxt: SeqNum, settings: &Settings) {
        let micros = u64::try_from(sample.as_micros()).unwrap_or(u64::MAX).clamp(1, 1 << 40);
        let floor = settings.rto_min.as_micros() as u64;
        self.min = Some(self.min.map_or(sample, |min| min.min(sample)));
        if self.smoothed == 0 {
            // RFC6298/2.2
            self.smoothed = micros << 3;
            self.deviation = micros << 1;
            self.variation = self.deviation.max(floor);
            self.deviation_max = self.variation;
            self.round_end = nxt;
        } else {
            self.update(micros, una, nxt, floor);
        }
        self.rto = Duration::from_micros((self.smoothed >> 3) + self.variation).min(settings.rto_max);
    }

    /// RFC6298/2.3
    fn update(&mut self, micros: u64, una: SeqNum, nxt: SeqNum, floor: u64) {
        let old = self.smoothed >> 3;
        self.smoothed = (self.smoothed + micros).saturating_sub(old).max(1);
        let error = micros.abs_diff(old);
        let quarter = self.deviation >> 2;
        if error >= quarter {
            // A time that fell quickly raises the deviation by an eighth of what it would otherwise.
            let rise = error - quarter;
            self.deviation += if micros < old { rise >> 3 } else { rise };
        } else {
            self.deviation -= quarter - error;
        }
        if self.deviation > self.deviation_max {
            self.deviation_max = self.deviation;
            self.variation = self.variation.max(self.deviation_max);
        }
        if una.after(self.round_end) {
            if self.deviation_max < self.variation {
                self.variation -= (self.variation - self.deviation_max) >> 2;
            }
            self.round_end = nxt;
            self.deviation_max = floor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RttEstimator;
    use crate::settings::Settings;
    use crate::wire::seq::SeqNum;
    use core::time::Duration;

    #[test]
    fn the_time_out_is_the_smoothed_time_plus_at_least_the_minimum() {
        let settings = Settings::default();
        let mut rtt = RttEstimator::new();
        assert_eq!(rtt.rto(), Duration::from_secs(1));
        rtt.measure(Duration::from_millis(10), SeqNum(1), SeqNum(1), &settings);
        assert_eq!(rtt.rto(), Duration::from_millis(210));
        rtt.measure(Duration::from_millis(10), SeqNum(2), SeqNum(3), &settings);
        assert_eq!(rtt.rto(), Duration::from_millis(210));
        rtt.back_off(&settings);
        assert_eq!(rtt.rto(), Duration::from_millis(420));
        for _ in 0..20 {
            rtt.back_off(&settings);
        }
        assert_eq!(rtt.rto(), Duration::from_secs(120));
    }

    #[test]
    fn a_large_first_measurement_triples() {
        let mut rtt = RttEstimator::new();
        rtt.measure(Duration::from_millis(300), SeqNum(1), SeqNum(1), &Settings::default());
        assert_eq!(rtt.rto(), Duration::from_millis(900));
        assert_eq!(rtt.smoothed(), Some(Duration::from_millis(300)));
    }
}
