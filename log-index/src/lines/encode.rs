//! From lines to sections.

use super::{
    clock::Format,
    cluster::{Cluster, Clusters, Source},
    filter::Filter,
    section::{COUNT, Section},
    shape::Shapes,
    slot::{self, Plan, Planner, Slot},
    template::{self, VALUE},
    vocabulary::{self, Class},
};
use crate::{
    codec::{put_bytes, put_u64},
    integers,
};

/// The sections of these lines, by their [`Section::index`].
pub fn encode<'a>(timestamps: &[i64], lines: impl Iterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let mut shapes = Shapes::new(lines);
    let clusters = Clusters::new(&mut shapes);
    let mut tables = tables(&shapes, &clusters, timestamps);
    let mut planner = Planner::new(&shapes.values);
    tables.iter_mut().for_each(|table| table.plan(&mut planner));
    let rows = rows(&shapes, &clusters);
    let vocabularies = place(&mut tables, &rows, &shapes);
    let mut out = Sections { sections: vec![Vec::new(); COUNT], filter: Filter::new() };
    out.put_tables(&shapes, &clusters, &tables, &rows);
    for (class, values) in Class::ALL.into_iter().zip(vocabularies).filter(|(_, values)| !values.is_empty()) {
        let values: Vec<&[u8]> = values.into_iter().map(|value| shapes.values.get(value)).collect();
        *out.at(Section::Vocabulary(class)) = vocabulary::encode(class, &values);
        if class == Class::Text {
            values.iter().for_each(|value| out.filter.add(value));
        }
    }
    out.sections[Section::Filter.index()] = out.filter.finish();
    out.sections
}

/// The rows of one template.
struct Table<'c> {
    cluster: &'c Cluster,
    sources: Vec<Source>,
    columns: Vec<Column>,
    plans: Vec<Stored>,
    /// Of the entries.
    timestamps: Vec<i64>,
}

enum Column {
    Values(Vec<u32>),
    Times(Format, Vec<i64>),
}

/// What becomes of a column.
#[derive(PartialEq, Eq)]
enum Stored {
    /// It becomes part of the template.
    Constant,
    Same(usize),
    Values(Plan),
    Times,
}

/// The cluster of each row.
fn rows(shapes: &Shapes, clusters: &Clusters) -> Vec<u32> {
    shapes.rows.iter().map(|shape| clusters.of_shape[*shape as usize]).collect()
}

fn tables<'c>(shapes: &Shapes, clusters: &'c Clusters, timestamps: &[i64]) -> Vec<Table<'c>> {
    let mut tables: Vec<Table<'c>> =
        clusters.clusters.iter().map(|c| Table::new(c, clusters.sources(c))).collect();
    let (mut values, mut times) = (&shapes.row_values[..], &shapes.row_times[..]);
    for (shape, timestamp) in shapes.rows.iter().zip(timestamps) {
        let table = &mut tables[clusters.of_shape[*shape as usize] as usize];
        let taken = table.push(*timestamp, values, times, &clusters.words[*shape as usize]);
        (values, times) = (&values[taken.0..], &times[taken.1..]);
    }
    tables
}

impl<'c> Table<'c> {
    fn new(cluster: &'c Cluster, sources: Vec<Source>) -> Self {
        let column = |source: &Source| match source {
            Source::Time(_, format) => Column::Times(*format, Vec::new()),
            Source::Value(_) | Source::Word(_) => Column::Values(Vec::new()),
        };
        let columns = sources.iter().map(column).collect();
        Table { cluster, sources, columns, plans: Vec::new(), timestamps: Vec::new() }
    }

    /// Takes a row; answers how many values and times it had.
    fn push(&mut self, timestamp: i64, values: &[u32], times: &[i64], words: &[u32]) -> (usize, usize) {
        let mut taken = (0, 0);
        for (source, column) in self.sources.iter().zip(&mut self.columns) {
            match (source, column) {
                (Source::Value(at), Column::Values(column)) => {
                    column.push(values[*at]);
                    taken.0 += 1;
                }
                (Source::Time(at, _), Column::Times(_, column)) => {
                    column.push(times[*at]);
                    taken.1 += 1;
                }
                (Source::Word(at), Column::Values(column)) => column.push(words[*at]),
                _ => {}
            }
        }
        self.timestamps.push(timestamp);
        taken
    }

    fn plan(&mut self, planner: &mut Planner<'_>) {
        for at in 0..self.columns.len() {
            let earlier = self.columns[..at].iter().position(|other| other.is_same(&self.columns[at]));
            self.plans.push(match (&self.columns[at], earlier) {
                (column, _) if column.is_constant() => Stored::Constant,
                (_, Some(earlier)) => Stored::Same(self.number_of(earlier)),
                (Column::Values(values), _) => Stored::Values(planner.plan(values)),
                (Column::Times(..), _) => Stored::Times,
            });
        }
    }

    /// The number of a column among those that are not constant.
    fn number_of(&self, column: usize) -> usize {
        self.plans[..column].iter().filter(|plan| **plan != Stored::Constant).count()
    }
}

impl Column {
    fn is_constant(&self) -> bool {
        match self {
            Column::Values(values) => values.windows(2).all(|pair| pair[0] == pair[1]),
            Column::Times(_, times) => times.windows(2).all(|pair| pair[0] == pair[1]),
        }
    }

    fn is_same(&self, other: &Column) -> bool {
        match (self, other) {
            (Column::Values(a), Column::Values(b)) => a == b,
            (Column::Times(a_format, a), Column::Times(b_format, b)) => a_format == b_format && a == b,
            _ => false,
        }
    }
}

/// Puts the places in vocabularies in the columns instead of the values; gives the vocabularies. Places are given
/// in the order of the rows, so that those of rows that are near are near.
fn place(tables: &mut [Table<'_>], rows: &[u32], shapes: &Shapes) -> Vec<Vec<u32>> {
    let mut vocabularies = vec![Vec::new(); Class::ALL.len()];
    let mut places = vec![Vec::new(); Class::ALL.len()];
    let mut next = vec![0_usize; tables.len()];
    for cluster in rows {
        let table = &mut tables[*cluster as usize];
        let row = next[*cluster as usize];
        next[*cluster as usize] += 1;
        for (column, plan) in table.columns.iter_mut().zip(&table.plans) {
            let (Column::Values(values), Stored::Values(Plan::Place(class) | Plan::Choice(class))) =
                (column, plan)
            else {
                continue;
            };
            let (vocabulary, places) = (&mut vocabularies[*class as usize], &mut places[*class as usize]);
            if places.is_empty() {
                *places = vec![u32::MAX; shapes.values.len()];
            }
            let value = values[row];
            let place = &mut places[value as usize];
            if *place == u32::MAX {
                *place = vocabulary.len() as u32;
                vocabulary.push(value);
            }
            values[row] = *place;
        }
    }
    vocabularies
}

struct Sections {
    sections: Vec<Vec<u8>>,
    filter: Filter,
}

impl Sections {
    fn at(&mut self, section: Section) -> &mut Vec<u8> {
        &mut self.sections[section.index()]
    }

    /// Templates, the most frequent first, and what belongs to them.
    fn put_tables(&mut self, shapes: &Shapes, clusters: &Clusters, tables: &[Table<'_>], rows: &[u32]) {
        let mut order: Vec<usize> = (0..tables.len()).collect();
        order.sort_by_key(|at| std::cmp::Reverse(tables[*at].timestamps.len()));
        put_u64(self.at(Section::Templates), tables.len() as u64);
        let mut numbers = vec![0_i64; tables.len()];
        for (number, at) in order.into_iter().enumerate() {
            numbers[at] = number as i64;
            self.put_table(shapes, clusters, &tables[at]);
        }
        let rows: Vec<i64> = rows.iter().map(|cluster| numbers[*cluster as usize]).collect();
        let mut planes = Vec::new();
        integers::encode_plain(&rows, &mut planes).put(self.at(Section::Rows));
        self.at(Section::Rows).extend(planes);
    }

    fn put_table(&mut self, shapes: &Shapes, clusters: &Clusters, table: &Table<'_>) {
        let mut column = 0;
        let text = clusters.template(table.cluster, &shapes.values, |out| {
            put_place(out, shapes, &table.columns[column], &table.plans[column]);
            column += 1;
        });
        put_u64(self.at(Section::Slots), table.timestamps.len() as u64);
        put_bytes(self.at(Section::Templates), &text);
        self.filter.add(&text);
        for (column, plan) in table.columns.iter().zip(&table.plans) {
            let slot = match (column, plan) {
                (_, Stored::Constant) => continue,
                (_, Stored::Same(earlier)) => Slot::Same(*earlier),
                (Column::Times(format, times), _) => {
                    slot::put_times(*format, times, &table.timestamps, self.at(Section::Numbers))
                }
                (_, Stored::Values(Plan::Number(width, header, numbers))) => {
                    Slot::Number(*width, integers::put(*header, numbers, self.at(Section::Numbers)))
                }
                (
                    Column::Values(places),
                    Stored::Values(plan @ (Plan::Place(class) | Plan::Choice(class))),
                ) => slot::put_places(plan, *class, places, self.at(Section::Places)),
                (Column::Values(_), Stored::Times) => continue,
            };
            slot.put(self.at(Section::Slots));
        }
    }
}

/// What stands for a column in the template.
fn put_place(out: &mut Vec<u8>, shapes: &Shapes, column: &Column, plan: &Stored) {
    match (column, plan) {
        (Column::Values(values), Stored::Constant) => {
            template::put_text(out, values.first().map_or(&[], |value| shapes.values.get(*value)));
        }
        (Column::Times(format, times), Stored::Constant) => {
            times.first().iter().for_each(|time| format.write(**time, out));
        }
        (Column::Times(format, _), _) => template::put_time(out, *format),
        (Column::Values(_), _) => out.push(VALUE),
    }
}
