//! Lines, each as its shape and what varies in it.

use super::{
    clock::Format,
    interner::Interner,
    template::{self, LITERAL, VALUE},
    token::{self, Pieces},
};

/// Lines in the order in which they came.
#[derive(Default)]
pub struct Shapes {
    /// Templates without words that vary.
    pub shapes: Interner,
    /// All values, each once.
    pub values: Interner,
    /// The shape of each line.
    pub rows: Vec<u32>,
    /// The values of all lines, one line behind the other.
    pub row_values: Vec<u32>,
    /// The times of all lines, likewise.
    pub row_times: Vec<i64>,
}

impl Shapes {
    pub fn new<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Self {
        let (mut shapes, mut shape) = (Shapes::default(), Vec::new());
        for line in lines {
            shape.clear();
            token::cut(line, &mut Cut { shape: &mut shape, shapes: &mut shapes });
            let number = shapes.shapes.number(&shape);
            shapes.rows.push(number);
        }
        shapes
    }
}

/// One line under way.
struct Cut<'a> {
    shape: &'a mut Vec<u8>,
    shapes: &'a mut Shapes,
}

impl Pieces for Cut<'_> {
    fn text(&mut self, text: &[u8]) {
        self.shape.extend_from_slice(text);
    }

    fn special(&mut self, byte: u8) {
        self.shape.extend([LITERAL, byte]);
    }

    fn value(&mut self, value: &[u8]) {
        self.shape.push(VALUE);
        let number = self.shapes.values.number(value);
        self.shapes.row_values.push(number);
    }

    fn time(&mut self, format: Format, value: i64) {
        template::put_time(self.shape, format);
        self.shapes.row_times.push(value);
    }
}
