//! The order in which operations run.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// Groups operations that refer to each other in a circle, and orders the groups: each after those
/// it refers to, and otherwise by the place of its first operation in the request (RFC 7644 §3.7
/// lets a server reorder as long as the outcome is the one intended).
///
/// `refers_to` holds for each operation the operations it refers to.
pub(super) fn units(refers_to: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut graph = DiGraph::<(), ()>::new();
    for _ in refers_to {
        graph.add_node(());
    }
    for (from, to) in refers_to.iter().enumerate() {
        for to in to {
            graph.add_edge(NodeIndex::new(from), NodeIndex::new(*to), ());
        }
    }
    let mut units: Vec<Vec<usize>> = kosaraju_scc(&graph)
        .into_iter()
        .map(|unit| {
            let mut unit: Vec<usize> = unit.into_iter().map(NodeIndex::index).collect();
            unit.sort_unstable();
            unit
        })
        .collect();
    // Now each unit is known by its place in the order of first operations.
    units.sort_unstable();
    let unit_of: HashMap<usize, usize> = units
        .iter()
        .enumerate()
        .flat_map(|(unit, operations)| operations.iter().map(move |o| (*o, unit)))
        .collect();
    let mut waits_for: Vec<usize> = vec![0; units.len()];
    let mut awaited_by: Vec<Vec<usize>> = vec![Vec::new(); units.len()];
    for (from, to) in refers_to.iter().enumerate() {
        for to in to {
            let (Some(from), Some(to)) = (unit_of.get(&from), unit_of.get(to)) else { continue };
            if from != to
                && let (Some(waits), Some(awaited)) =
                    (waits_for.get_mut(*from), awaited_by.get_mut(*to))
            {
                *waits += 1;
                awaited.push(*from);
            }
        }
    }
    let mut ready: BinaryHeap<Reverse<usize>> = waits_for
        .iter()
        .enumerate()
        .filter(|(_, waits)| **waits == 0)
        .map(|(unit, _)| Reverse(unit))
        .collect();
    let mut ordered = Vec::with_capacity(units.len());
    while let Some(Reverse(unit)) = ready.pop() {
        ordered.extend(units.get_mut(unit).map(std::mem::take));
        for waiting in awaited_by.get(unit).into_iter().flatten() {
            if let Some(waits) = waits_for.get_mut(*waiting) {
                *waits -= 1;
                if *waits == 0 {
                    ready.push(Reverse(*waiting));
                }
            }
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_references_the_order_is_that_of_the_request() {
        assert_eq!(units(&[vec![], vec![], vec![]]), [[0], [1], [2]]);
    }

    #[test]
    fn what_is_referred_to_goes_first() {
        assert_eq!(units(&[vec![2], vec![], vec![]]), [[1], [2], [0]]);
    }

    #[test]
    fn a_circle_is_one_unit() {
        let circle = [vec![1], vec![0], vec![0, 3], vec![]];
        assert_eq!(units(&circle), [vec![0, 1], vec![3], vec![2]]);
    }

    #[test]
    fn an_operation_may_refer_to_itself() {
        assert_eq!(units(&[vec![0]]), [[0]]);
    }
}
