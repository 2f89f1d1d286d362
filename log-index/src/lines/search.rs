//! Which rows hold a text: told by templates, and by the values of the columns that can hold some of it. No line is
//! put together for it.

use memchr::memmem::Finder;

use super::{
    block::{Column, LineBlock, Part, Template, Values},
    slot::Slot,
    token,
    vocabulary::{self, Class, Vocabulary},
};
use crate::codec::Damaged;

/// Whether a row holds a text, as far as it is known without its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    No,
    Maybe,
    Yes,
}

impl Verdict {
    /// The opposite if `turned`.
    pub fn unless(self, turned: bool) -> Self {
        match (self, turned) {
            (Verdict::No, true) => Verdict::Yes,
            (Verdict::Yes, true) => Verdict::No,
            _ => self,
        }
    }
}

/// The verdicts for the rows of one template.
pub enum Rows {
    All(Verdict),
    Each(Vec<Verdict>),
}

impl Rows {
    fn is_none(&self) -> bool {
        match self {
            Rows::All(verdict) => *verdict == Verdict::No,
            Rows::Each(verdicts) => verdicts.iter().all(|verdict| *verdict == Verdict::No),
        }
    }
}

/// The rows that hold a text: none of the block, or some by their templates.
pub enum Hits {
    None,
    Some(Vec<Rows>),
}

/// Where in a value a part of the text has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Within,
    Start,
    End,
    Whole,
}

/// What a column's value must hold for a row to hold the text: `text[from..to]` at `place`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Need {
    part: usize,
    from: usize,
    to: usize,
}

impl<E: From<Damaged>> LineBlock<E> {
    /// The rows that hold `text`. Which row has which template is read only where there are some.
    ///
    /// # Errors
    /// When a section cannot be read, or is not as it was written.
    pub fn search(&self, text: &[u8]) -> Result<Hits, E> {
        if text.is_empty() {
            return self.found(self.templates.iter().map(|_| Rows::All(Verdict::Yes)).collect());
        }
        let mut search = Search { block: self, text, finder: Finder::new(text), known: Vec::new() };
        let templates = self.templates.iter().map(|template| search.template(template));
        self.found(templates.collect::<Result<_, E>>()?)
    }

    fn found(&self, templates: Vec<Rows>) -> Result<Hits, E> {
        if templates.iter().all(Rows::is_none) {
            return Ok(Hits::None);
        }
        self.rows()?;
        Ok(Hits::Some(templates))
    }

    pub fn verdict(&self, hits: &Hits, row: usize) -> Verdict {
        let (Hits::Some(templates), Some(rows)) = (hits, self.rows.get()) else { return Verdict::No };
        let (template, rank) = rows[row];
        match &templates[template as usize] {
            Rows::All(verdict) => *verdict,
            Rows::Each(verdicts) => verdicts[rank as usize],
        }
    }
}

struct Search<'a, E> {
    block: &'a LineBlock<E>,
    text: &'a [u8],
    finder: Finder<'a>,
    /// Places of a vocabulary whose values hold a part of the text in a place.
    known: Vec<(Class, Need, Place, Vec<bool>)>,
}

impl<E: From<Damaged>> Search<'_, E> {
    fn template(&mut self, template: &Template) -> Result<Rows, E> {
        let parts = &self.block.parts[template.parts.clone()];
        let Some(needs) = self.needs(parts) else { return Ok(Rows::All(Verdict::Yes)) };
        let mut rows = Rows::All(Verdict::No);
        for need in needs {
            let Some(column) = parts[need.part].column.and_then(|at| self.block.resolve(template, at)) else {
                return Err(Damaged.into());
            };
            self.add(&mut rows, template, column, need)?;
        }
        Ok(rows)
    }

    /// What the last column that holds some of the text must hold of it, for each way in which a line of these
    /// parts may hold the text; `None` if all of them do.
    fn needs(&self, parts: &[Part]) -> Option<Vec<Need>> {
        let (text, mut needs) = (self.text, Vec::new());
        // How much of the text may end right before this part, and what the column before it holds of it then.
        let mut reached: Vec<Need> = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let fixed = &self.block.texts[part.text.clone()];
            if self.finder.find(fixed).is_some() {
                return None;
            }
            let mut entered = vec![0];
            for length in 1..=fixed.len().min(text.len() - 1) {
                if text.starts_with(&fixed[fixed.len() - length..]) {
                    entered.push(length);
                }
            }
            for need in reached.drain(..) {
                let rest = &text[need.to..];
                if fixed.starts_with(rest) {
                    needs.push(need);
                } else if rest.starts_with(fixed) {
                    entered.push(need.to + fixed.len());
                }
            }
            entered.sort_unstable();
            entered.dedup();
            let Some(column) = part.column else { break };
            let column = &self.block.columns[column];
            for from in entered {
                let allowed =
                    text[from..].iter().take_while(|byte| self.block.allows(column, **byte)).count();
                if from + allowed == text.len() {
                    needs.push(Need { part: at, from, to: text.len() });
                }
                let most = (from + allowed).min(text.len() - 1);
                reached.extend((from + 1..=most).map(|to| Need { part: at, from, to }));
            }
        }
        Some(needs)
    }

    fn place(&self, need: Need) -> Place {
        match (need.from, need.to == self.text.len()) {
            (0, true) => Place::Within,
            (0, false) => Place::End,
            (_, true) => Place::Start,
            (_, false) => Place::Whole,
        }
    }

    /// Adds the rows whose values hold what is needed.
    fn add(&mut self, rows: &mut Rows, template: &Template, column: &Column, need: Need) -> Result<(), E> {
        let place = self.place(need);
        // More than one column may hold some of the text: then the line decides.
        let found = if place == Place::Within { Verdict::Yes } else { Verdict::Maybe };
        let class = match &column.slot {
            Slot::Place(class, _) | Slot::Choice(class, _) => *class,
            Slot::Number(width, _) => return self.add_numbers(rows, template, column, need, *width),
            _ => {
                raise(rows, template.rows, |_| Verdict::Maybe);
                return Ok(());
            }
        };
        let block = self.block;
        let hits = self.places(class, need, place)?;
        let chosen = match &column.slot {
            Slot::Choice(_, choices) => {
                choices.iter().any(|choice| hits.get(*choice as usize) == Some(&true))
            }
            _ => hits.contains(&true),
        };
        if !chosen {
            return Ok(());
        }
        let Values::Places(places) = block.values(column, template.rows)? else { return Err(Damaged.into()) };
        let hit = |row: usize| hits.get(places[row] as usize).copied().unwrap_or(false);
        raise(rows, template.rows, |row| if hit(row) { found } else { Verdict::No });
        Ok(())
    }

    fn add_numbers(
        &self,
        rows: &mut Rows,
        template: &Template,
        column: &Column,
        need: Need,
        width: usize,
    ) -> Result<(), E> {
        let (place, part) = (self.place(need), &self.text[need.from..need.to]);
        let found = if place == Place::Within { Verdict::Yes } else { Verdict::Maybe };
        let Values::Numbers(numbers) = self.block.values(column, template.rows)? else {
            return Err(Damaged.into());
        };
        let (finder, mut digits) = (Finder::new(part), Vec::new());
        raise(rows, template.rows, |row| {
            digits.clear();
            vocabulary::put_number(&mut digits, numbers[row], width);
            if holds(&digits, part, &finder, place) { found } else { Verdict::No }
        });
        Ok(())
    }

    fn places(&mut self, class: Class, need: Need, place: Place) -> Result<&[bool], E> {
        let known = |known: &(Class, Need, Place, Vec<bool>)| {
            known.0 == class && known.2 == place && (known.1.from, known.1.to) == (need.from, need.to)
        };
        if let Some(at) = self.known.iter().position(known) {
            return Ok(&self.known[at].3);
        }
        let hits = hits(self.block.vocabulary(class)?, &self.text[need.from..need.to], place);
        self.known.push((class, need, place, hits));
        Ok(self.known.last().map_or(&[], |known| &known.3))
    }
}

/// Which values of a vocabulary hold `part` at `place`: one search over all of them.
fn hits(vocabulary: &Vocabulary, part: &[u8], place: Place) -> Vec<bool> {
    let finder = Finder::new(part);
    let (mut hits, mut from) = (vec![false; vocabulary.len()], 0);
    while let Some(at) = finder.find(&vocabulary.bytes()[from..]).map(|at| from + at) {
        let number = vocabulary.at(at);
        let value = vocabulary.range(number);
        let fits = match place {
            Place::Within => true,
            Place::Start => at == value.start,
            Place::End => at + part.len() == value.end,
            Place::Whole => value == (at..at + part.len()),
        };
        let hit = fits && at + part.len() <= value.end;
        hits[number] |= hit;
        from = if hit { value.end } else { at + 1 };
    }
    hits
}

fn holds(value: &[u8], part: &[u8], finder: &Finder<'_>, place: Place) -> bool {
    match place {
        Place::Within => finder.find(value).is_some(),
        Place::Start => value.starts_with(part),
        Place::End => value.ends_with(part),
        Place::Whole => value == part,
    }
}

/// Raises the verdict of each row to what `verdict` says.
fn raise(rows: &mut Rows, count: usize, mut verdict: impl FnMut(usize) -> Verdict) {
    let mut each = match std::mem::replace(rows, Rows::All(Verdict::No)) {
        Rows::All(same) => vec![same; count],
        Rows::Each(each) => each,
    };
    for (row, known) in each.iter_mut().enumerate().filter(|(_, known)| **known != Verdict::Yes) {
        *known = verdict(row).max(*known);
    }
    *rows = Rows::Each(each);
}

/// Whether values of a class can have this byte.
pub fn class_allows(class: Class, byte: u8) -> bool {
    match class {
        Class::Short | Class::Long => byte.is_ascii_digit(),
        Class::Hex => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        Class::Uuid => matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'),
        Class::Address => matches!(byte, b'0'..=b'9' | b'.'),
        // UUIDs and addresses among others are text too.
        Class::Text => {
            matches!(byte, b'-' | b'.')
                || !matches!(token::class(byte), token::Class::Delimiter | token::Class::Special)
        }
    }
}
