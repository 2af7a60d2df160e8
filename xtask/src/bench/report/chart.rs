//! The chart of a report: for each workload, the requests a second of the contenders.

use std::path::Path;

use anyhow::{Context, Result};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::row::{Row, workloads};

const WIDTH: u32 = 1_000;
const COLUMNS: usize = 2;
/// The height of a workload's title and axis, and of one bar.
const FRAME: u32 = 90;
const BAR: u32 = 30;
/// The room for names, left of the bars.
const NAMES: u32 = 130;
/// The number of labels of the axis.
const LABELS: usize = 5;
const FONT: &str = "sans-serif";
const COLOUR: RGBColor = RGBColor(58, 110, 165);

/// Draws the chart to an SVG file.
///
/// # Errors
/// The file can't be written.
pub fn draw(rows: &[Row], file: &Path) -> Result<()> {
    let workloads = workloads(rows);
    let of = |workload: &str| -> Vec<_> { rows.iter().filter(|row| row.workload == workload).collect() };
    let most = workloads.iter().map(|name| of(name).len()).max().unwrap_or(1);
    let lines = workloads.len().div_ceil(COLUMNS);
    let height = (FRAME + BAR * u32::try_from(most)?) * u32::try_from(lines)?;
    let area = SVGBackend::new(file, (WIDTH, height)).into_drawing_area();
    area.fill(&WHITE)?;
    for (panel, workload) in area.split_evenly((lines, COLUMNS)).iter().zip(&workloads) {
        draw_workload(panel, workload, &of(workload))?;
    }
    area.present()
        .with_context(|| format!("can't write {}", file.display()))
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw_workload(panel: &Area<'_>, workload: &str, rows: &[&Row]) -> Result<()> {
    let largest = rows.iter().map(|row| row.rps).fold(0.0, f64::max);
    // A quarter of the width is for the figure beside the longest bar.
    let mut chart = ChartBuilder::on(panel)
        .caption(format!("{workload}: requests a second"), (FONT, 17))
        .margin(12)
        .x_label_area_size(24)
        .y_label_area_size(NAMES)
        .build_cartesian_2d(0.0..largest * 1.25, 0.0..rows.len() as f64)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .set_all_tick_mark_size(0)
        .light_line_style(TRANSPARENT)
        .x_labels(LABELS)
        .x_label_formatter(&|value| format!("{value:.0}"))
        .y_label_formatter(&|_| String::new())
        .label_style((FONT, 13))
        .draw()?;
    let beside = |side| {
        let style = (FONT, 13).into_font().into_text_style(panel);
        style.pos(Pos::new(side, VPos::Center))
    };
    let gap = largest * 0.02;
    // The first contender is at the top.
    for (row, place) in rows.iter().rev().zip(0_u32..) {
        let (low, middle, high) = (
            f64::from(place) + 0.15,
            f64::from(place) + 0.5,
            f64::from(place) + 0.85,
        );
        chart.draw_series([Rectangle::new([(0.0, low), (row.rps, high)], COLOUR.filled())])?;
        let texts = [
            (-gap, row.contender.to_owned(), beside(HPos::Right)),
            (row.rps + gap, format!("{:.0}", row.rps), beside(HPos::Left)),
        ];
        for (x, text, style) in texts {
            chart.draw_series([Text::new(text, (x, middle), style)])?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chart_names_each_contender_of_each_workload() {
        let row = |workload, contender, rps| Row {
            workload,
            contender,
            rps,
            ..Row::default()
        };
        let rows = [
            row("list-20", "embedded", 20_000.0),
            row("list-20", "node", 3_000.0),
            row("mix", "node", 1_234.0),
        ];
        let file = tempfile::NamedTempFile::new().unwrap();
        draw(&rows, file.path()).unwrap();
        let svg = std::fs::read_to_string(file.path()).unwrap();
        for (text, count) in [("list-20:", 1), ("embedded", 1), ("node", 2), ("1234", 1)] {
            assert_eq!(svg.matches(text).count(), count, "{text}");
        }
    }
}
