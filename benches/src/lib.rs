//! Nothing: the benches are in `benches/`, and cargo wants a target to build them for.
