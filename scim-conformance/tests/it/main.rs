//! The contract finds what it is there to find, and asks no more than it says.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod layer;
#[cfg(test)]
mod lenience;
