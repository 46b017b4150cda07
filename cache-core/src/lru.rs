//! The ordered map's order: entries in a slab, linked by index from most to least recently used.
//!
//! One node can be in two lists at once, the one of its shard and the one of its function,
//! so both can be asked for their oldest entry in O(1). All operations are O(1).

/// An index that names no node.
pub(crate) const NIL: u32 = u32::MAX;

/// Which of its two lists a node is asked about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    Shard = 0,
    Function = 1,
}

#[derive(Clone, Copy)]
struct Link {
    newer: u32,
    older: u32,
}

const UNLINKED: Link = Link { newer: NIL, older: NIL };

struct Node<T> {
    /// `None` for a free node, whose first `older` link is then the next free one.
    value: Option<T>,
    links: [Link; 2],
}

/// Storage for the nodes of any number of lists.
pub(crate) struct Slab<T> {
    nodes: Vec<Node<T>>,
    free: u32,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { nodes: Vec::new(), free: NIL }
    }
}

impl<T> Slab<T> {
    /// The size of a node in bytes.
    pub(crate) const NODE: usize = size_of::<Node<T>>();

    pub(crate) fn insert(&mut self, value: T) -> u32 {
        if self.free != NIL {
            let idx = self.free;
            let node = &mut self.nodes[idx as usize];
            self.free = node.links[0].older;
            *node = Node { value: Some(value), links: [UNLINKED; 2] };
            return idx;
        }
        if self.nodes.len() == self.nodes.capacity() {
            // Doubling would leave up to half of a large slab unused, which no charge accounts for.
            self.nodes.reserve_exact((self.nodes.len() / 8).max(16));
        }
        let idx =
            u32::try_from(self.nodes.len()).expect("a shard holds fewer than 4 billion entries");
        self.nodes.push(Node { value: Some(value), links: [UNLINKED; 2] });
        idx
    }

    /// Takes a node out. It must not be in a list any more.
    pub(crate) fn remove(&mut self, idx: u32) -> T {
        let node = &mut self.nodes[idx as usize];
        let value = node.value.take().expect("the index of a live node");
        node.links = [UNLINKED; 2];
        node.links[0].older = self.free;
        self.free = idx;
        value
    }

    /// One past the highest index in use.
    pub(crate) fn end(&self) -> u32 {
        self.nodes.len() as u32
    }

    pub(crate) fn get(&self, idx: u32) -> Option<&T> {
        self.nodes.get(idx as usize)?.value.as_ref()
    }

    #[cfg(test)]
    fn iter(&self) -> impl Iterator<Item = &T> {
        self.nodes.iter().filter_map(|node| node.value.as_ref())
    }

    pub(crate) fn into_values(self) -> impl Iterator<Item = T> {
        self.nodes.into_iter().filter_map(|node| node.value)
    }

    fn link(&mut self, order: Order, idx: u32) -> &mut Link {
        &mut self.nodes[idx as usize].links[order as usize]
    }
}

impl<T> std::ops::Index<u32> for Slab<T> {
    type Output = T;

    #[inline]
    fn index(&self, idx: u32) -> &T {
        self.nodes[idx as usize].value.as_ref().expect("the index of a live node")
    }
}

impl<T> std::ops::IndexMut<u32> for Slab<T> {
    #[inline]
    fn index_mut(&mut self, idx: u32) -> &mut T {
        self.nodes[idx as usize].value.as_mut().expect("the index of a live node")
    }
}

/// A list of nodes from most to least recently used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List {
    newest: u32,
    oldest: u32,
}

impl Default for List {
    fn default() -> Self {
        Self { newest: NIL, oldest: NIL }
    }
}

impl List {
    /// The least recently used node.
    pub(crate) fn oldest(&self) -> Option<u32> {
        (self.oldest != NIL).then_some(self.oldest)
    }

    pub(crate) fn push_newest<T>(&mut self, slab: &mut Slab<T>, order: Order, idx: u32) {
        *slab.link(order, idx) = Link { newer: NIL, older: self.newest };
        match self.newest {
            NIL => self.oldest = idx,
            newest => slab.link(order, newest).newer = idx,
        }
        self.newest = idx;
    }

    pub(crate) fn unlink<T>(&mut self, slab: &mut Slab<T>, order: Order, idx: u32) {
        let Link { newer, older } = std::mem::replace(slab.link(order, idx), UNLINKED);
        match newer {
            NIL => self.newest = older,
            newer => slab.link(order, newer).older = older,
        }
        match older {
            NIL => self.oldest = newer,
            older => slab.link(order, older).newer = newer,
        }
    }

    /// Makes a node the most recently used; true if that changed which is the oldest.
    #[inline]
    pub(crate) fn touch<T>(&mut self, slab: &mut Slab<T>, order: Order, idx: u32) -> bool {
        if self.newest == idx {
            return false;
        }
        let was_oldest = self.oldest == idx;
        self.unlink(slab, order, idx);
        self.push_newest(slab, order, idx);
        was_oldest
    }

    /// The nodes from most to least recently used.
    pub(crate) fn iter<T>(&self, slab: &Slab<T>, order: Order) -> impl Iterator<Item = u32> {
        let mut next = self.newest;
        std::iter::from_fn(move || {
            let idx = (next != NIL).then_some(next)?;
            next = slab.nodes[idx as usize].links[order as usize].older;
            Some(idx)
        })
    }

    #[cfg(test)]
    fn newest_first<T: Clone>(&self, slab: &Slab<T>, order: Order) -> Vec<T> {
        let mut found = Vec::new();
        let (mut idx, mut newer) = (self.newest, NIL);
        while idx != NIL {
            let node = &slab.nodes[idx as usize];
            assert_eq!(node.links[order as usize].newer, newer, "links agree in both directions");
            found.push(node.value.clone().expect("only live nodes are linked"));
            (newer, idx) = (idx, node.links[order as usize].older);
        }
        assert_eq!(self.oldest, newer);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Random operations on two lists over one slab, against vectors.
    #[test]
    fn both_orders_match_a_naive_model() {
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        let mut next = move |n: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % n as u64) as usize
        };
        let mut slab = Slab::default();
        let mut lists = [List::default(), List::default()];
        let mut models: [Vec<(u32, usize)>; 2] = [Vec::new(), Vec::new()];
        for step in 0..20_000 {
            let order = if next(2) == 0 { Order::Shard } else { Order::Function };
            match next(4) {
                0 | 1 if models[0].len() < 40 => {
                    let idx = slab.insert(step);
                    for (order, (list, model)) in [Order::Shard, Order::Function]
                        .into_iter()
                        .zip(lists.iter_mut().zip(&mut models))
                    {
                        list.push_newest(&mut slab, order, idx);
                        model.insert(0, (idx, step));
                    }
                }
                2 if !models[0].is_empty() => {
                    let model = &mut models[order as usize];
                    let node = model.remove(next(model.len()));
                    lists[order as usize].touch(&mut slab, order, node.0);
                    model.insert(0, node);
                }
                3 if !models[0].is_empty() => {
                    let idx = lists[order as usize].oldest().expect("a list with nodes");
                    assert_eq!(models[order as usize].last().map(|node| node.0), Some(idx));
                    for (order, (list, model)) in [Order::Shard, Order::Function]
                        .into_iter()
                        .zip(lists.iter_mut().zip(&mut models))
                    {
                        list.unlink(&mut slab, order, idx);
                        model.retain(|node| node.0 != idx);
                    }
                    slab.remove(idx);
                }
                _ => {}
            }
            for (order, (list, model)) in
                [Order::Shard, Order::Function].into_iter().zip(lists.iter().zip(&models))
            {
                let values: Vec<usize> = model.iter().map(|node| node.1).collect();
                assert_eq!(list.newest_first(&slab, order), values);
            }
            assert_eq!(slab.iter().count(), models[0].len());
        }
    }
}
