//! What an order comes to: integers that add up, line by line and in all.

use mercato_shop::orders::Amounts;

/// A rate of tax, in millionths: 7.25 % is 72,500.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(pub u32);

impl Rate {
    /// What one is a part of.
    const WHOLE: i128 = 1_000_000;

    /// The tax on an amount, rounded half up.
    fn of(self, amount: i64) -> i64 {
        let exact = i128::from(amount) * i128::from(self.0);
        narrow((exact + Self::WHOLE / 2).div_euclid(Self::WHOLE))
    }
}

/// The amounts of each line, from the lines' subtotals, the discount on all of them, and the rate of the tax on the rest. Neither
/// subtotals nor discount may be negative, nor the discount more than the sum of the subtotals.
pub fn of_lines(subtotals: &[i64], discount: i64, rate: Rate) -> Vec<Amounts> {
    let discounts = distribute(discount, subtotals);
    let taxable: Vec<_> = subtotals
        .iter()
        .zip(&discounts)
        .map(|(subtotal, discount)| subtotal.saturating_sub(*discount))
        .collect();
    let tax = rate.of(sum(&taxable));
    let taxes = distribute(tax, &taxable);
    subtotals
        .iter()
        .zip(discounts)
        .zip(taxes)
        .map(|((subtotal, discount), tax)| line(*subtotal, discount, tax))
        .collect()
}

/// The amounts of one line.
pub const fn line(subtotal: i64, discount: i64, tax: i64) -> Amounts {
    Amounts {
        subtotal,
        discount,
        tax,
        total: subtotal.saturating_sub(discount).saturating_add(tax),
    }
}

/// What lines come to together.
pub fn total<'a>(lines: impl Iterator<Item = &'a Amounts>) -> Amounts {
    lines.fold(line(0, 0, 0), |sum, one| Amounts {
        subtotal: sum.subtotal.saturating_add(one.subtotal),
        discount: sum.discount.saturating_add(one.discount),
        tax: sum.tax.saturating_add(one.tax),
        total: sum.total.saturating_add(one.total),
    })
}

/// Shares an amount out in proportion to weights, by the largest remainder: the shares add up to it, and none is more than one
/// away from the exact one. Of equal remainders the earlier goes first. Nothing can be shared out over weights of 0.
fn distribute(amount: i64, weights: &[i64]) -> Vec<i64> {
    let whole = i128::from(sum(weights));
    if whole == 0 {
        return vec![0; weights.len()];
    }
    let exact = |weight: &i64| i128::from(amount) * i128::from(*weight);
    let mut shares: Vec<_> = weights
        .iter()
        .map(|weight| narrow(exact(weight).div_euclid(whole)))
        .collect();
    let mut order: Vec<_> = weights
        .iter()
        .map(|weight| exact(weight).rem_euclid(whole))
        .enumerate()
        .collect();
    order.sort_by_key(|(index, remainder)| (std::cmp::Reverse(*remainder), *index));
    let left = usize::try_from(amount.saturating_sub(sum(&shares))).unwrap_or(0);
    for (index, _) in order.into_iter().take(left) {
        if let Some(share) = shares.get_mut(index) {
            *share += 1;
        }
    }
    shares
}

/// The sum of amounts.
pub fn sum(amounts: &[i64]) -> i64 {
    amounts.iter().fold(0, |sum, one| sum.saturating_add(*one))
}

fn narrow(amount: i128) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;

    /// What an order may come to.
    const MOST: i64 = i32::MAX as i64;

    /// Lines as an order can have them, from single cents to the limit, many equal, some free.
    fn subtotals(random: &mut Rng) -> Vec<i64> {
        let count = random.i64(1..=100);
        let most = [1, 3, 100, 10_000, MOST / count][random.usize(0..5)];
        (0..count).map(|_| random.i64(0..=most)).collect()
    }

    #[test]
    fn lines_always_add_up_to_the_discount_and_the_tax_of_the_whole() {
        let mut random = Rng::with_seed(20_261_121);
        for _ in 0..20_000 {
            let subtotals = subtotals(&mut random);
            let subtotal = sum(&subtotals);
            let discount = match random.u8(0..4) {
                0 => 0,
                1 => subtotal,
                _ => random.i64(0..=subtotal),
            };
            let rate = Rate(random.u32(0..=1_000_000));
            let lines = of_lines(&subtotals, discount, rate);
            let all = total(lines.iter());
            let context = format!("{subtotals:?} {discount} {rate:?}");
            assert_eq!((all.subtotal, all.discount), (subtotal, discount), "{context}");
            assert_eq!(all.tax, rate.of(subtotal - discount), "{context}");
            assert_eq!(all.total, subtotal - discount + all.tax, "{context}");
            for (line, given) in lines.iter().zip(&subtotals) {
                assert_eq!(line.subtotal, *given, "{context}");
                assert!((0..=line.subtotal).contains(&line.discount), "{context}");
                assert!(
                    (0..=line.subtotal - line.discount).contains(&line.tax),
                    "{context}"
                );
                assert_eq!(line.total, line.subtotal - line.discount + line.tax, "{context}");
            }
        }
    }

    #[test]
    fn no_share_is_a_whole_unit_away_from_the_exact_one() {
        let mut random = Rng::with_seed(7);
        for _ in 0..20_000 {
            let weights = subtotals(&mut random);
            let amount = random.i64(0..=MOST);
            let shares = distribute(amount, &weights);
            let whole = sum(&weights);
            if whole == 0 {
                assert!(shares.iter().all(|share| *share == 0));
                continue;
            }
            assert_eq!(sum(&shares), amount);
            for (share, weight) in shares.iter().zip(&weights) {
                let off = i128::from(*share) * i128::from(whole) - i128::from(amount) * i128::from(*weight);
                assert!(off.abs() < i128::from(whole), "{amount} over {weights:?}");
            }
        }
    }

    #[test]
    fn the_largest_remainder_gets_what_is_left_and_of_equal_ones_the_first() {
        assert_eq!(distribute(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(distribute(2, &[10, 25, 15]), [0, 1, 1]);
        assert_eq!(distribute(0, &[0, 0]), [0, 0]);
    }

    #[test]
    fn tax_is_rounded_half_up() {
        assert_eq!(Rate(72_500).of(1_000), 73);
        assert_eq!(Rate(50_000).of(10), 1);
        assert_eq!(Rate(49_999).of(10), 0);
        assert_eq!(Rate(1_000_000).of(MOST), MOST);
    }
}
