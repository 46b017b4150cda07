//! The live view: it has the terminal while it runs, and gives it back as it was.

use std::io::{Stdout, Write, stdout};
use std::time::Duration;

use anyhow::Result;
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::style::{Attribute, Print, SetAttribute};
use crossterm::terminal::{self, Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::{execute, queue};

use crate::program::{Program, Snapshot};
use crate::table::{self, Column, Order};

/// The terminal, until it is dropped.
struct Screen(Stdout);

impl Screen {
    fn take() -> Result<Self> {
        terminal::enable_raw_mode()?;
        let mut screen = Self(stdout());
        execute!(screen.0, EnterAlternateScreen, Hide)?;
        Ok(screen)
    }

    fn show(&mut self, snapshot: &Snapshot, order: Order, trouble: &str) -> Result<()> {
        let (width, height) = terminal::size()?;
        let keys = Column::ALL.map(|(_, name, key)| format!("{key} {name}")).join("  ");
        let foot =
            if trouble.is_empty() { format!("sort: {keys}  quit: q") } else { trouble.to_owned() };
        let foot: String = foot.chars().filter(|c| !c.is_control()).take(width.into()).collect();
        let lines = table::lines(snapshot, order, width.into());
        queue!(self.0, MoveTo(0, 0))?;
        for (row, line) in lines.iter().take(height.saturating_sub(1).into()).enumerate() {
            let weight = if row == 2 { Attribute::Bold } else { Attribute::Reset };
            queue!(self.0, SetAttribute(weight), Print(line), SetAttribute(Attribute::Reset))?;
            queue!(self.0, Clear(ClearType::UntilNewLine), Print("\r\n"))?;
        }
        queue!(self.0, Clear(ClearType::FromCursorDown), MoveTo(0, height.saturating_sub(1)))?;
        queue!(self.0, SetAttribute(Attribute::Dim), Print(foot), SetAttribute(Attribute::Reset))?;
        Ok(self.0.flush()?)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // There is nobody to tell.
        let _ = execute!(self.0, LeaveAlternateScreen, Show);
        let _ = terminal::disable_raw_mode();
    }
}

/// Looks again and again, until `q` is pressed.
pub(crate) fn run(program: &Program, mut order: Order, every: Duration) -> Result<()> {
    // Without a first answer there is nothing to show.
    let mut snapshot = program.look()?;
    let mut screen = Screen::take()?;
    let mut trouble = String::new();
    loop {
        screen.show(&snapshot, order, &trouble)?;
        if !event::poll(every)? {
            match program.look() {
                Ok(next) => (snapshot, trouble) = (next, String::new()),
                Err(error) => trouble = format!("{error:#}"),
            }
            continue;
        }
        let Event::Key(key) = event::read()? else { continue };
        match key.code {
            _ if key.kind == KeyEventKind::Release => {}
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Ok(()),
            KeyCode::Char('q') | KeyCode::Esc => return Ok(()),
            KeyCode::Char(key) => {
                order = Column::from_key(key).map_or(order, |column| order.then_by(column));
            }
            _ => {}
        }
    }
}
