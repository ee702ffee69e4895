//! The order of launches: arms in random order and then reversed, control blocks among them.
//!
//! Drift that is steady over a block cancels; the random order makes what remains as likely up as down.

use crate::model::experiment::LaunchRole;
use crate::stats::rng::SplitMix64;

/// One launch to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Arm to launch.
    pub arm: u32,
    /// Side of the comparison: 0 baseline, 1 the other.
    pub side: u32,
}

/// One block to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockOrder {
    /// Test or control.
    pub role: LaunchRole,
    /// Its launches in order.
    pub slots: Vec<Slot>,
}

/// Draws one block after the other; equal seeds give equal orders.
#[derive(Debug, Clone)]
pub struct Sequencer {
    rng: SplitMix64,
    arms: u32,
    control_every: u32,
    group: Vec<LaunchRole>,
}

impl Sequencer {
    /// Starts for so many arms; one block in `control_every` is a control, none for 0.
    #[must_use]
    pub fn new(seed: u64, arms: u32, control_every: u32) -> Self {
        Self { rng: SplitMix64::new(seed), arms, control_every, group: Vec::new() }
    }

    /// The next block: in each group of `control_every`, one at a random place is a control.
    pub fn next_block(&mut self) -> BlockOrder {
        if self.control_every == 0 {
            return self.block(LaunchRole::Test);
        }
        if self.group.is_empty() {
            self.group = vec![LaunchRole::Test; self.control_every as usize];
            let place = self.rng.below(self.group.len());
            self.group[place] = LaunchRole::Control;
        }
        let role = self.group.pop().unwrap_or(LaunchRole::Test);
        self.block(role)
    }

    /// Another block of that role, in an order of its own.
    pub fn block(&mut self, role: LaunchRole) -> BlockOrder {
        let mut slots: Vec<Slot> = match role {
            LaunchRole::Test => (0..self.arms).map(|arm| Slot { arm, side: u32::from(arm > 0) }).collect(),
            LaunchRole::Control => (0..2).map(|side| Slot { arm: 0, side }).collect(),
        };
        for last in (1..slots.len()).rev() {
            slots.swap(last, self.rng.below(last + 1));
        }
        let back: Vec<Slot> = slots.iter().rev().copied().collect();
        slots.extend(back);
        BlockOrder { role, slots }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_orders_and_others_do_not() {
        let draw = |seed| -> Vec<BlockOrder> {
            let mut sequencer = Sequencer::new(seed, 3, 5);
            (0..20).map(|_| sequencer.next_block()).collect()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn each_group_has_one_control_and_each_block_reads_the_same_backwards() {
        let mut sequencer = Sequencer::new(3, 2, 5);
        let blocks: Vec<BlockOrder> = (0..500).map(|_| sequencer.next_block()).collect();
        for group in blocks.chunks(5) {
            assert_eq!(group.iter().filter(|block| block.role == LaunchRole::Control).count(), 1);
        }
        for block in &blocks {
            let mut reversed = block.slots.clone();
            reversed.reverse();
            assert_eq!(reversed, block.slots);
            let sides = block.slots.iter().map(|slot| slot.side);
            assert_eq!(sides.sum::<u32>(), 2, "both sides twice");
            let control = block.role == LaunchRole::Control;
            assert!(block.slots.iter().all(|slot| slot.arm == if control { 0 } else { slot.side }));
        }
        let baseline_first = blocks.iter().filter(|block| block.slots[0].side == 0).count();
        assert!((200..300).contains(&baseline_first), "{baseline_first} of 500");
    }

    #[test]
    fn without_controls_there_are_none() {
        let mut sequencer = Sequencer::new(3, 4, 0);
        let block = sequencer.next_block();
        assert_eq!((block.role, block.slots.len()), (LaunchRole::Test, 8));
    }
}
