//! Conversions between the records of the services and the types of the model.

/// Converts a service's record to the model's type, or an input to a service's record.
///
/// Unlike `Into`, it also converts the items of lists and options.
pub trait Convert<T> {
    /// Returns the value as the other type.
    fn convert(self) -> T;
}

impl<A: Convert<B>, B> Convert<Option<B>> for Option<A> {
    fn convert(self) -> Option<B> {
        self.map(A::convert)
    }
}

impl<A: Convert<B>, B> Convert<Vec<B>> for Vec<A> {
    fn convert(self) -> Vec<B> {
        self.into_iter().map(A::convert).collect()
    }
}

/// Implements [`Convert`] field by field, or by `Into` for types without fields.
///
/// `field: other.path` reads a field from a path of another name.
macro_rules! convert {
    ($from:ty => $to:path { $($field:ident $(: $($source:ident).+)?),+ $(,)? }) => {
        impl $crate::model::convert::Convert<$to> for $from {
            fn convert(self) -> $to {
                let record = self;
                $to {
                    $($field: $crate::model::convert::Convert::convert(
                        $crate::model::convert::convert!(@field record $field $($($source).+)?)
                    )),+
                }
            }
        }
    };
    ($($from:ty => $to:ty),+ $(,)?) => {
        $(impl $crate::model::convert::Convert<$to> for $from {
            fn convert(self) -> $to {
                self.into()
            }
        })+
    };
    (@field $record:ident $field:ident) => { $record.$field };
    (@field $record:ident $field:ident $($source:ident).+) => { $record.$($source).+ };
}

pub(crate) use convert;
