//! Parts of a date: the values are seconds since 1970, the calendar is that of UTC.

use jiff::{Timestamp, Zoned, tz::TimeZone};

use super::Map;

/// The function of this name.
pub fn find(name: &str) -> Option<Map> {
    Some(match name {
        "day_of_month" => |v, _| part(v, |t| t.day().into()),
        "day_of_week" => |v, _| part(v, |t| t.weekday().to_sunday_zero_offset().into()),
        "day_of_year" => |v, _| part(v, |t| t.day_of_year().into()),
        "days_in_month" => |v, _| part(v, |t| t.days_in_month().into()),
        "hour" => |v, _| part(v, |t| t.hour().into()),
        "minute" => |v, _| part(v, |t| t.minute().into()),
        "month" => |v, _| part(v, |t| t.month().into()),
        "year" => |v, _| part(v, |t| t.year().into()),
        _ => return None,
    })
}

/// NaN for what no calendar knows.
fn part(seconds: f64, of: fn(&Zoned) -> f64) -> Option<f64> {
    if seconds.is_nan() {
        return Some(f64::NAN);
    }
    let time = Timestamp::from_second(seconds as i64).ok();
    Some(time.map_or(f64::NAN, |time| of(&time.to_zoned(TimeZone::UTC))))
}
