//! Draws the results as bar charts that are readable on light and on dark pages.

use std::{fmt::Write, fs, path::Path};

use anyhow::{Context, Result};

use crate::{
    contestants::Class,
    report::{self, digits},
    results::Results,
    workloads::{Figure, Group, WORKLOADS, Workload},
};

const WIDTH: usize = 860;
const N_COLUMNS: usize = 2;
const PANEL_WIDTH: usize = WIDTH / N_COLUMNS;
/// Where bars begin, right of the names.
const BAR_LEFT: usize = 132;
const BAR_WIDTH: usize = PANEL_WIDTH - BAR_LEFT - 76;
const LINE: usize = 18;
const PANEL_HEAD: usize = 34;
const HEAD: usize = 40;
const FOOT: usize = 52;

/// Bars beyond so many times the middle one are cut, or the short ones would tell nothing.
const CUT: f64 = 3.0;

const STYLE: &str = "\
text { font: 12px system-ui, sans-serif; fill: #1f2328; }
.title { font-size: 16px; font-weight: 600; }
.panel { font-weight: 600; }
.note { fill: #59636e; font-size: 11px; }
.ours { fill: #e8590c; }
.bounded { fill: #4c7fb8; }
.unbounded { fill: #9db8d6; }
.floor { fill: #a8adb3; }
.cut { stroke: #ffffff; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .note { fill: #9198a1; }
  .unbounded { fill: #35506e; }
  .floor { fill: #5a6067; }
  .cut { stroke: #0d1117; }
}";

/// Writes one chart for each group of workloads.
pub(crate) fn draw(results: &Results, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for group in Group::ALL {
        let path = folder.join(format!("{}.svg", group.name()));
        fs::write(&path, chart(results, group))
            .with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(())
}

/// One bar.
struct Bar {
    name: &'static str,
    class: Class,
    value: f64,
    note: String,
}

fn chart(results: &Results, group: Group) -> String {
    let panels: Vec<(&Workload, Vec<Bar>)> = WORKLOADS
        .iter()
        .filter(|workload| workload.group == group)
        .map(|workload| (workload, bars(results, workload)))
        .filter(|(_, bars)| !bars.is_empty())
        .collect();
    let mut svg = String::new();
    let mut top = HEAD;
    for row in panels.chunks(N_COLUMNS) {
        for (column, (workload, bars)) in row.iter().enumerate() {
            panel(&mut svg, column * PANEL_WIDTH, top, workload, bars);
        }
        let n_lines = row.iter().map(|(_, bars)| bars.len()).max().unwrap_or(0);
        top += PANEL_HEAD + n_lines * LINE + 10;
    }
    legend(&mut svg, top + 14);
    let height = top + FOOT;
    let note = format!(
        "{}; commit {}; medians of {} rounds. A bar with a gap is cut.",
        escape(&results.machine),
        escape(&results.commit),
        results.n_rounds
    );
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-label=\"{title}\">\n\
         <style>\n{STYLE}\n</style>\n\
         <text class=\"title\" x=\"12\" y=\"26\">{title}</text>\n\
         {svg}\
         <text class=\"note\" x=\"12\" y=\"{}\">{note}</text>\n</svg>\n",
        height - 12,
        title = escape(group.title()),
    )
}

/// The bars of a workload, shortest first.
fn bars(results: &Results, workload: &Workload) -> Vec<Bar> {
    let classes = [Class::Ours, Class::Bounded, Class::Unbounded, Class::Floor];
    let mut bars = Vec::new();
    for class in classes {
        for name in report::names(results, |other| other == class) {
            let Some(cell) = results.cell(workload.name, name) else { continue };
            let Some(value) = cell.figure(Figure::Main) else { continue };
            let note = match (cell.hit_rate(), cell.figure(Figure::Bodies)) {
                (Some(rate), _) if workload.group == Group::Replacement && rate > 0.0 => {
                    format!(", {:.1} %", 100.0 * rate)
                }
                (_, Some(bodies)) => format!(", {bodies:.0} run"),
                _ => String::new(),
            };
            bars.push(Bar { name, class, value, note });
        }
    }
    bars.sort_by(|one, other| one.value.total_cmp(&other.value));
    bars
}

fn panel(svg: &mut String, left: usize, top: usize, workload: &Workload, bars: &[Bar]) {
    let title = format!("{}, {}", workload.about, workload.unit().sign());
    text(svg, "panel", left + 12, top + 20, &title);
    let longest = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    let scale = longest.min(CUT * bars[bars.len() / 2].value);
    for (idx, bar) in bars.iter().enumerate() {
        let y = top + PANEL_HEAD + idx * LINE;
        let share = (bar.value / scale).clamp(0.0, 1.0);
        let width = (share * BAR_WIDTH as f64).max(1.0);
        let class = class(bar.class);
        _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\"{}>{}</text>\n\
             <rect class=\"{class}\" x=\"{}\" y=\"{}\" width=\"{width:.1}\" height=\"12\" rx=\"2\"/>",
            left + BAR_LEFT - 8,
            y + 10,
            if bar.class == Class::Ours { " font-weight=\"600\"" } else { "" },
            bar.name,
            left + BAR_LEFT,
            y,
        );
        if bar.value > scale {
            let x = left + BAR_LEFT + BAR_WIDTH - 14;
            _ = writeln!(svg, "<path class=\"cut\" d=\"M{x} {}l5 -16\"/>", y + 14,);
        }
        let x = left + BAR_LEFT + width as usize + 6;
        text(svg, "value", x, y + 10, &format!("{}{}", digits(bar.value), bar.note));
    }
}

fn legend(svg: &mut String, y: usize) {
    let classes = [Class::Ours, Class::Bounded, Class::Unbounded, Class::Floor];
    for (idx, each) in classes.into_iter().enumerate() {
        let x = 12 + idx * 196;
        _ = writeln!(
            svg,
            "<rect class=\"{}\" x=\"{x}\" y=\"{}\" width=\"12\" height=\"12\" rx=\"2\"/>",
            class(each),
            y - 10
        );
        text(svg, "note", x + 18, y, each.label());
    }
}

fn text(svg: &mut String, class: &str, x: usize, y: usize, text: &str) {
    _ = writeln!(svg, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>", escape(text));
}

fn class(class: Class) -> &'static str {
    match class {
        Class::Ours => "ours",
        Class::Bounded => "bounded",
        Class::Unbounded => "unbounded",
        Class::Floor => "floor",
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
