//! Amounts of orders and their lines. They are integers, so that lines always add up to the total.

use mercato_shop::orders::Amounts;

/// A tax rate, in millionths: 7.25 % is 72,500.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate(pub u32);

impl Rate {
    /// The denominator of the rate.
    const MILLION: i128 = 1_000_000;

    /// Returns the tax on an amount, rounded half up to a multiple of a unit.
    fn of(self, amount: i64, unit: i64) -> i64 {
        let exact = i128::from(amount) * i128::from(self.0);
        let divisor = Self::MILLION * i128::from(unit);
        narrow((exact + divisor / 2).div_euclid(divisor) * i128::from(unit))
    }
}

/// Returns the amounts of each line, from the lines' subtotals, a discount on the order, and a tax rate for
/// the rest. The tax of the order is a multiple of the unit. Subtotals and discount must not be negative. The
/// discount must not exceed the sum of the subtotals.
pub fn of_lines(subtotals: &[i64], discount: i64, rate: Rate, unit: i64) -> Vec<Amounts> {
    let discounts = distribute(discount, subtotals);
    let taxable: Vec<_> = subtotals
        .iter()
        .zip(&discounts)
        .map(|(subtotal, discount)| subtotal.saturating_sub(*discount))
        .collect();
    let taxes = distribute(rate.of(sum(&taxable), unit), &taxable);
    subtotals
        .iter()
        .zip(discounts)
        .zip(taxes)
        .map(|((subtotal, discount), tax)| line(*subtotal, discount, tax))
        .collect()
}

/// Returns the amounts of one line.
pub const fn line(subtotal: i64, discount: i64, tax: i64) -> Amounts {
    Amounts {
        subtotal,
        discount,
        tax,
        total: subtotal.saturating_sub(discount).saturating_add(tax),
    }
}

/// Returns the price of a quantity.
pub fn subtotal(price: i64, quantity: u32) -> i64 {
    price.saturating_mul(i64::from(quantity))
}

/// Returns the sum of the amounts of lines.
pub fn total<'a>(lines: impl Iterator<Item = &'a Amounts>) -> Amounts {
    lines.fold(line(0, 0, 0), |sum, one| Amounts {
        subtotal: sum.subtotal.saturating_add(one.subtotal),
        discount: sum.discount.saturating_add(one.discount),
        tax: sum.tax.saturating_add(one.tax),
        total: sum.total.saturating_add(one.total),
    })
}

/// Returns the sum of integers.
pub fn sum(amounts: &[i64]) -> i64 {
    amounts.iter().fold(0, |sum, one| sum.saturating_add(*one))
}

/// Distributes an amount in proportion to weights, by the largest remainder. The shares add up to the amount,
/// and each differs from its exact value by less than one. Of equal remainders, the first gets the unit. If
/// all weights are 0, so are the shares.
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

fn narrow(amount: i128) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;

    /// The largest subtotal of an order.
    const MAX: i64 = mercato_shop::currency::MAX_AMOUNT;

    /// Returns the subtotals of a random order: from single cents to the limit, some of them equal, some 0.
    fn subtotals(random: &mut Rng) -> Vec<i64> {
        let count = random.i64(1..=500);
        let max = [1, 3, 100, 10_000, MAX / count][random.usize(0..5)].max(1);
        (0..count).map(|_| random.i64(0..=max)).collect()
    }

    #[test]
    fn adds_lines_up_to_the_discount_and_the_tax_of_the_order() {
        let mut random = Rng::with_seed(20_261_121);
        for _ in 0..5_000 {
            let unit = [1, 10, 100][random.usize(0..3)];
            let mut subtotals = subtotals(&mut random);
            for subtotal in &mut subtotals {
                *subtotal -= *subtotal % unit;
            }
            let subtotal = sum(&subtotals);
            let discount = match random.u8(0..4) {
                0 => 0,
                1 => subtotal,
                _ => random.i64(0..=subtotal) / unit * unit,
            };
            let rate = Rate(random.u32(0..=1_000_000));
            let lines = of_lines(&subtotals, discount, rate, unit);
            let all = total(lines.iter());
            let context = format!("{subtotals:?} {discount} {rate:?} {unit}");
            assert_eq!((all.subtotal, all.discount), (subtotal, discount), "{context}");
            assert_eq!(all.tax, rate.of(subtotal - discount, unit), "{context}");
            assert_eq!(all.total, subtotal - discount + all.tax, "{context}");
            assert_eq!(all.total % unit, 0, "{context}");
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
    fn distributes_shares_that_differ_from_their_exact_value_by_less_than_one() {
        let mut random = Rng::with_seed(7);
        for _ in 0..5_000 {
            let weights = subtotals(&mut random);
            let amount = random.i64(0..=MAX);
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
    fn gives_remaining_units_to_the_largest_remainders_and_to_the_first_of_equal_ones() {
        assert_eq!(distribute(100, &[1, 1, 1]), [34, 33, 33]);
        assert_eq!(distribute(2, &[10, 25, 15]), [0, 1, 1]);
        assert_eq!(distribute(0, &[0, 0]), [0, 0]);
    }

    #[test]
    fn rounds_tax_half_up() {
        assert_eq!(Rate(72_500).of(1_000, 1), 73);
        assert_eq!(Rate(50_000).of(10, 1), 1);
        assert_eq!(Rate(49_999).of(10, 1), 0);
        assert_eq!(Rate(1_000_000).of(MAX, 1), MAX);
        // 7.25 % of 11.00 MGA are 0.80 MGA, and of 100.00 MGA 7.25 MGA.
        assert_eq!(Rate(72_500).of(1_100, 100), 100);
        assert_eq!(Rate(72_500).of(10_000, 100), 700);
        // 5 % of 13.500 KWD are 0.675 KWD.
        assert_eq!(Rate(50_000).of(13_500, 10), 680);
    }
}
