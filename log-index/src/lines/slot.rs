//! How the columns of templates are stored, and which way is the cheapest.

use super::{
    clock::Format,
    interner::Interner,
    vocabulary::{self, Class},
};
use crate::{
    codec::{Damaged, Input, put_i64, put_u64},
    integers::{self, Header},
};

/// A column with more different values is no dictionary.
const MOST_CHOICES: usize = 256;

/// How a column is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// As an earlier column of the template.
    Same(usize),
    /// Numbers with at least so many digits.
    Number(usize, Header),
    /// Places in a vocabulary.
    Place(Class, Header),
    /// Few places in a vocabulary, and a byte for each row that says which one.
    Choice(Class, Vec<u32>),
    /// Distances of times from the entries' own.
    Relative(Header),
    Time(Header),
}

impl Slot {
    pub fn put(&self, out: &mut Vec<u8>) {
        match self {
            Slot::Same(column) => {
                out.push(0);
                put_u64(out, *column as u64);
            }
            Slot::Number(width, header) => {
                out.extend([1, *width as u8]);
                header.put(out);
            }
            Slot::Place(class, header) => {
                out.extend([2, *class as u8]);
                header.put(out);
            }
            Slot::Choice(class, places) => {
                out.extend([3, *class as u8]);
                put_u64(out, places.len() as u64);
                let mut before = 0;
                for place in places {
                    put_i64(out, i64::from(*place) - before);
                    before = i64::from(*place);
                }
            }
            Slot::Relative(header) => {
                out.push(4);
                header.put(out);
            }
            Slot::Time(header) => {
                out.push(5);
                header.put(out);
            }
        }
    }

    pub fn read(input: &mut Input<'_>) -> Result<Self, Damaged> {
        let mut byte = || input.take(1).map(|bytes| bytes[0]);
        Ok(match byte()? {
            0 => Slot::Same(input.u32()? as usize),
            1 => Slot::Number(usize::from(byte()?).min(MOST_DIGITS), Header::read(input)?),
            2 => Slot::Place(class(byte()?)?, Header::read(input)?),
            3 => Slot::Choice(class(byte()?)?, choices(input)?),
            4 => Slot::Relative(Header::read(input)?),
            5 => Slot::Time(Header::read(input)?),
            _ => return Err(Damaged),
        })
    }
}

const MOST_DIGITS: usize = 18;

fn class(byte: u8) -> Result<Class, Damaged> {
    Class::ALL.get(usize::from(byte)).copied().ok_or(Damaged)
}

fn choices(input: &mut Input<'_>) -> Result<Vec<u32>, Damaged> {
    let (count, mut place) = (input.count()?, 0_i64);
    let next = |_| {
        place = place.checked_add(input.i64()?).ok_or(Damaged)?;
        u32::try_from(place).map_err(|_| Damaged)
    };
    (0..count).map(next).collect()
}

/// What is decided for a column of values before places in the vocabulary are known.
#[derive(Debug, PartialEq, Eq)]
pub enum Plan {
    /// The numbers, with at least so many digits, and how they are stored.
    Number(usize, Header, Vec<i64>),
    Place(Class),
    Choice(Class),
}

/// Facts about the values of a block that plans need.
pub struct Planner<'a> {
    values: &'a Interner,
    /// Of each value.
    classes: Vec<Option<Class>>,
    /// Of each value with a class what [`vocabulary::digits`] says, or less than zero.
    digits: Vec<i64>,
    /// Whether some column before has it.
    seen: Vec<bool>,
    /// Where a value is among the different ones of the column under way.
    choice: Vec<u32>,
}

impl<'a> Planner<'a> {
    pub fn new(values: &'a Interner) -> Self {
        let count = values.len();
        Planner {
            values,
            classes: vec![None; count],
            digits: vec![-1; count],
            seen: vec![false; count],
            choice: vec![u32::MAX; count],
        }
    }

    /// The cheapest way to store these values, by estimate.
    pub fn plan(&mut self, column: &[u32]) -> Plan {
        let class = self.class(column);
        let choices = self.choices(column);
        let places = self.cost_of_places(column, class);
        let best = match choices {
            Some(cost) if cost < places => (Plan::Choice(class), cost),
            _ => (Plan::Place(class), places),
        };
        match self.numbers(column, class) {
            Some((numbers, cost)) if cost < best.1 => numbers,
            _ => {
                column.iter().for_each(|value| self.seen[*value as usize] = true);
                best.0
            }
        }
    }

    fn class(&mut self, column: &[u32]) -> Class {
        let mut all = None;
        for value in column {
            let class = self.class_of(*value);
            all = Some(all.map_or(class, |all: Class| all.join(class)));
            if all == Some(Class::Text) {
                break;
            }
        }
        all.unwrap_or(Class::Text)
    }

    fn class_of(&mut self, value: u32) -> Class {
        *self.classes[value as usize].get_or_insert_with(|| {
            let text = self.values.get(value);
            self.digits[value as usize] = vocabulary::digits(text).unwrap_or(-1);
            Class::of(text)
        })
    }

    /// The entropy of the column, if it has few different values.
    fn choices(&mut self, column: &[u32]) -> Option<u64> {
        let (mut different, mut counts) = (Vec::new(), Vec::new());
        for value in column {
            let at = &mut self.choice[*value as usize];
            if *at == u32::MAX {
                *at = different.len() as u32;
                different.push(*value);
                counts.push(0_u32);
            }
            counts[*at as usize] += 1;
            if different.len() > MOST_CHOICES {
                break;
            }
        }
        different.iter().for_each(|value| self.choice[*value as usize] = u32::MAX);
        if different.len() > MOST_CHOICES {
            return None;
        }
        let rows = column.len() as f64;
        let entropy: f64 = counts.iter().map(|n| f64::from(*n) * (rows / f64::from(*n)).log2()).sum();
        Some(entropy as u64 + 12 * different.len() as u64)
    }

    fn cost_of_places(&self, column: &[u32], class: Class) -> u64 {
        let (mut cost, mut before) = (0, 0_i64);
        for value in column {
            let distance = (i64::from(*value) - before).unsigned_abs();
            before = i64::from(*value);
            let text = if self.seen[*value as usize] { 0 } else { class.cost(self.values.get(*value)) };
            cost += text + u64::from(65 - distance.leading_zeros()) - 1;
        }
        cost
    }

    /// The column as numbers and what that costs, if all values are numbers that can be written back.
    fn numbers(&self, column: &[u32], class: Class) -> Option<(Plan, u64)> {
        if class > Class::Hex {
            return None;
        }
        let width = self.values.get(*column.first()?).len();
        let width = match class {
            Class::Hex if column.iter().all(|value| self.values.get(*value).len() == width) => width,
            Class::Hex => return None,
            _ => 0,
        };
        let number = |value: &u32| Some(self.digits[*value as usize]).filter(|number| *number >= 0);
        let numbers = column.iter().map(number).collect::<Option<Vec<i64>>>()?;
        let (header, cost) = integers::plan(&numbers);
        Some((Plan::Number(width, header, numbers), cost))
    }
}

/// Stores times; which way is cheaper is found out.
pub fn put_times(format: Format, times: &[i64], timestamps: &[i64], planes: &mut Vec<u8>) -> Slot {
    let relative: Vec<i64> =
        times.iter().zip(timestamps).map(|(time, at)| time.wrapping_sub(format.of(*at))).collect();
    let ((near, near_bits), (own, own_bits)) = (integers::plan(&relative), integers::plan(times));
    match near_bits <= own_bits {
        true => Slot::Relative(integers::put(near, &relative, planes)),
        false => Slot::Time(integers::put(own, times, planes)),
    }
}

/// Stores places in a vocabulary.
pub fn put_places(plan: &Plan, class: Class, places: &[u32], planes: &mut Vec<u8>) -> Slot {
    if !matches!(plan, Plan::Choice(_)) {
        let places: Vec<i64> = places.iter().map(|place| i64::from(*place)).collect();
        return Slot::Place(class, integers::encode(&places, planes));
    }
    let mut choices: Vec<u32> = Vec::new();
    for place in places {
        let at = choices.iter().position(|choice| choice == place).unwrap_or_else(|| {
            choices.push(*place);
            choices.len() - 1
        });
        planes.push(at as u8);
    }
    Slot::Choice(class, choices)
}
