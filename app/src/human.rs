//! Numbers as people read them.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Local};
use humansize::{BINARY, FixedAt, FormatSizeOptions};

/// A number of bytes: `1.5 MiB`.
pub fn size(bytes: u64) -> String {
    size_as(bytes, None)
}

fn size_as(bytes: u64, unit: Option<FixedAt>) -> String {
    let options: FormatSizeOptions = BINARY.decimal_places(1).space_after_value(true).fixed_at(unit);
    decimal_sign(humansize::format_size(bytes, options))
}

/// `1 234 567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{a0}');
        }
        out.push(digit);
    }
    out
}

/// Bytes a second: `1.5 MiB/s`.
pub fn speed(bytes_per_second: u64) -> String {
    size(bytes_per_second) + "/s"
}

/// Bytes a second in the unit in which `largest` is written, for numbers that stand below each other: `0.5 MiB/s`.
pub fn speed_beside(bytes_per_second: u64, largest: u64) -> String {
    let unit = match largest {
        0..0x400 => FixedAt::Base,
        0x400..0x10_0000 => FixedAt::Kilo,
        0x10_0000..0x4000_0000 => FixedAt::Mega,
        0x4000_0000..0x100_0000_0000 => FixedAt::Giga,
        _ => FixedAt::Tera,
    };
    size_as(bytes_per_second, Some(unit)) + "/s"
}

/// How much of `total` is `done`, in whole percent; 100 only when nothing is missing.
pub fn percent(done: u64, total: u64) -> u64 {
    if done >= total {
        return 100;
    }
    // `done < total`, so the quotient is at most 99.
    u64::try_from(u128::from(done) * 100 / u128::from(total)).unwrap_or(99)
}

/// The time of day where the person is: `14:05:09`; with the day if it was another one: `23.11. 14:05`.
pub fn time_of_day(at: SystemTime, now: SystemTime) -> String {
    let (at, now) = (DateTime::<Local>::from(at), DateTime::<Local>::from(now));
    let form = if at.date_naive() == now.date_naive() { "%H:%M:%S" } else { "%d.%m. %H:%M" };
    at.format(form).to_string()
}

/// The time of day of an appointment: `14:05`; with the day if it is another one: `23.11. 14:05`.
pub fn time_to_the_minute(at: SystemTime, now: SystemTime) -> String {
    let (at, now) = (DateTime::<Local>::from(at), DateTime::<Local>::from(now));
    let form = if at.date_naive() == now.date_naive() { "%H:%M" } else { "%d.%m. %H:%M" };
    at.format(form).to_string()
}

/// A day and the time of day where the person is: `2026-11-23 14:05`.
pub fn date_and_time(at: SystemTime) -> String {
    DateTime::<Local>::from(at).format("%Y-%m-%d %H:%M").to_string()
}

/// A moment that a tracker names, in seconds since 1970.
pub fn moment(unix_seconds: u64) -> String {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(unix_seconds)).map_or_else(|| "…".to_owned(), date_and_time)
}

/// How long the rest takes at this speed: `1:02:03`, `2:03`. None while nothing moves or when nobody would wait so long.
pub fn time_left(missing_bytes: u64, bytes_per_second: u64) -> Option<String> {
    let seconds = missing_bytes.checked_div(bytes_per_second)?;
    if seconds > TIME_LEFT_MAX.as_secs() {
        return None;
    }
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    Some(if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") })
}

/// Beyond this an estimate is noise.
const TIME_LEFT_MAX: Duration = Duration::from_secs(99 * 3600);

/// `1.5` or `1,5`.
fn decimal_sign(number: String) -> String {
    if &*rust_i18n::locale() == "bg" { number.replace('.', ",") } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_times() {
        let now = SystemTime::now();
        assert_eq!(time_of_day(now, now).len(), "14:05:09".len());
        assert_eq!(time_of_day(now - Duration::from_secs(100_000), now).len(), "23.11. 14:05".len());
        assert_eq!(time_to_the_minute(now, now).len(), "14:05".len());
        assert_eq!(time_to_the_minute(now + Duration::from_secs(100_000), now).len(), "23.11. 14:05".len());
    }

    #[test]
    fn writes_numbers() {
        assert_eq!([size(0), size(1023), size(1536), size(5 << 30)], ["0 B", "1023 B", "1.5 KiB", "5 GiB"]);
        assert_eq!(speed(2048), "2 KiB/s");
        for (largest, shown) in
            [(1023, "512 B/s"), (1024, "0.5 KiB/s"), (1 << 20, "0.0 MiB/s"), (u64::MAX, "0.0 TiB/s")]
        {
            assert_eq!(speed_beside(512, largest), shown, "{largest}");
        }
        assert_eq!(
            [percent(0, 0), percent(999, 1000), percent(u64::MAX - 1, u64::MAX), percent(5, 5)],
            [100, 99, 99, 100]
        );
        assert_eq!(time_left(100, 0), None);
        assert_eq!(time_left(123, 1).as_deref(), Some("2:03"));
        assert_eq!(time_left(3723, 1).as_deref(), Some("1:02:03"));
        assert_eq!(time_left(u64::MAX, 1), None);
    }
}
