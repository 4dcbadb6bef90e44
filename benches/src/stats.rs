//! Medians and percentiles, and tables of them.

use std::time::Duration;

use comfy_table::{Table, presets::ASCII_MARKDOWN};

/// The value below which that part of the others is; 0 of none.
pub fn percentile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * part).round() as usize).copied().unwrap_or_default()
}

/// The value in the middle; 0 of none.
pub fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

/// Microseconds.
pub fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// A Markdown table.
pub fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) {
    let mut table = Table::new();
    table.load_preset(ASCII_MARKDOWN).set_header(head);
    table.add_rows(rows);
    println!("\n{table}\n");
}

/// Microseconds as people read them.
pub fn show_micros(micros: f64) -> String {
    match micros {
        m if m < 100.0 => format!("{m:.1} µs"),
        m if m < 10_000.0 => format!("{m:.0} µs"),
        m if m < 1e6 => format!("{:.1} ms", m / 1e3),
        m => format!("{:.2} s", m / 1e6),
    }
}

/// A figure beside the bar it is held to.
pub fn verdict(figure: f64, at_most: Option<f64>, at_least: Option<f64>) -> String {
    let (bar, is_met) = match (at_most, at_least) {
        (Some(bar), _) => (format!("at most {bar}"), figure <= bar),
        (None, Some(bar)) => (format!("at least {bar}"), figure >= bar),
        (None, None) => return format!("{figure:.2}"),
    };
    format!("{figure:.2} ({bar}: {})", if is_met { "met" } else { "MISSED" })
}
