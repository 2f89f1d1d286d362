//! Puts shapes together that differ in few words: a template miner like Drain, over shapes instead of lines, so
//! that it costs little.

use super::{
    interner::Interner,
    shape::Shapes,
    template::{self, Piece, VALUE, WORD},
    token::{self, Class},
};

/// Of three words two have to be equal.
const EQUAL_OF: (usize, usize) = (2, 3);

/// A shape is compared with so many clusters at most.
const MOST_COMPARED: usize = 32;

/// Where a column of a template has its values from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The how-manieth value of the row.
    Value(usize),
    Time(usize, super::clock::Format),
    /// The how-manieth word of the shape.
    Word(usize),
}

/// Shapes with the same delimiters and values in the same places, and most words equal.
pub struct Cluster {
    skeleton: u32,
    words: Vec<u32>,
    varies: Vec<bool>,
}

/// All clusters, and which shape is in which.
pub struct Clusters {
    skeletons: Interner,
    pub clusters: Vec<Cluster>,
    /// Of each shape.
    pub of_shape: Vec<u32>,
    /// The words of each shape.
    pub words: Vec<Vec<u32>>,
}

impl Clusters {
    /// Gives numbers to words as well: they may become values.
    pub fn new(shapes: &mut Shapes) -> Self {
        let mut counts = vec![0_u32; shapes.shapes.len()];
        shapes.rows.iter().for_each(|shape| counts[*shape as usize] += 1);
        let mut order: Vec<u32> = (0..shapes.shapes.len() as u32).collect();
        order.sort_by_key(|shape| std::cmp::Reverse(counts[*shape as usize]));
        let mut all = Clusters {
            skeletons: Interner::default(),
            clusters: Vec::new(),
            of_shape: vec![0; order.len()],
            words: vec![Vec::new(); order.len()],
        };
        let mut by_skeleton: Vec<Vec<u32>> = Vec::new();
        for shape in order {
            let (skeleton, words) = all.skeleton(shapes, shape);
            by_skeleton.resize_with(all.skeletons.len(), Vec::new);
            all.of_shape[shape as usize] = all.place(skeleton, &words, &mut by_skeleton[skeleton as usize]);
            all.words[shape as usize] = words;
        }
        all
    }

    fn skeleton(&mut self, shapes: &mut Shapes, shape: u32) -> (u32, Vec<u32>) {
        let (mut skeleton, mut words) = (Vec::new(), Vec::new());
        for piece in template::pieces(shapes.shapes.get(shape)) {
            match piece {
                Piece::Text(text) => {
                    for part in text.chunk_by(|a, b| is_word(*a) == is_word(*b)) {
                        if is_word(part[0]) {
                            skeleton.push(WORD);
                            words.push(shapes.values.number(part));
                        } else {
                            template::put_text(&mut skeleton, part);
                        }
                    }
                }
                Piece::Time(format) => template::put_time(&mut skeleton, format),
                Piece::Value | Piece::Word => skeleton.push(VALUE),
            }
        }
        (self.skeletons.number(&skeleton), words)
    }

    /// The cluster that is nearest, or a new one.
    fn place(&mut self, skeleton: u32, words: &[u32], known: &mut Vec<u32>) -> u32 {
        let compared =
            known.iter().take(MOST_COMPARED).map(|at| (self.clusters[*at as usize].equal(words), *at));
        let nearest = compared.max_by_key(|(equal, at)| (*equal, std::cmp::Reverse(*at)));
        if let Some((equal, at)) = nearest
            && equal * EQUAL_OF.1 >= words.len() * EQUAL_OF.0
        {
            self.clusters[at as usize].add(words);
            return at;
        }
        known.push(self.clusters.len() as u32);
        self.clusters.push(Cluster { skeleton, words: words.to_vec(), varies: vec![false; words.len()] });
        self.clusters.len() as u32 - 1
    }

    /// Where the columns of a cluster come from, in the order of its pieces.
    pub fn sources(&self, cluster: &Cluster) -> Vec<Source> {
        let mut next = [0; 3];
        let mut count = |kind: usize| {
            next[kind] += 1;
            next[kind] - 1
        };
        let source = |piece: Piece<'_>| match piece {
            Piece::Value => Some(Source::Value(count(0))),
            Piece::Time(format) => Some(Source::Time(count(1), format)),
            Piece::Word => Some(count(2)).filter(|word| cluster.varies[*word]).map(Source::Word),
            Piece::Text(_) => None,
        };
        template::pieces(self.skeletons.get(cluster.skeleton)).filter_map(source).collect()
    }

    /// The cluster's template; `fill` writes what stands for each of its [`Clusters::sources`].
    pub fn template(
        &self,
        cluster: &Cluster,
        values: &Interner,
        mut fill: impl FnMut(&mut Vec<u8>),
    ) -> Vec<u8> {
        let (mut template, mut word) = (Vec::new(), 0);
        for piece in template::pieces(self.skeletons.get(cluster.skeleton)) {
            match piece {
                Piece::Text(text) => template::put_text(&mut template, text),
                Piece::Word => {
                    match cluster.varies[word] {
                        true => fill(&mut template),
                        false => template::put_text(&mut template, values.get(cluster.words[word])),
                    }
                    word += 1;
                }
                Piece::Value | Piece::Time(_) => fill(&mut template),
            }
        }
        template
    }
}

fn is_word(byte: u8) -> bool {
    token::class(byte) == Class::Letter
}

impl Cluster {
    /// How many words are the same in all shapes so far and in these.
    fn equal(&self, words: &[u32]) -> usize {
        let same =
            self.words.iter().zip(words).zip(&self.varies).filter(|((a, b), varies)| a == b && !**varies);
        same.count()
    }

    fn add(&mut self, words: &[u32]) {
        for (at, word) in words.iter().enumerate() {
            self.varies[at] |= self.words[at] != *word;
        }
    }
}
