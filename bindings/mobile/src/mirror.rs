//! Types of the core that are declared once more, because a part of them crosses in another shape: a secret as an object, a
//! span as milliseconds, a text of the program as one of its own. What crosses as it is needs no mirror: see [`crate::words`].

mod fields;

use std::sync::Arc;

use crate::error::MisuseError;

/// Declares the mirror of a type, and how it is translated: `pub enum Mirror from Core` out of the core's, `into` into it,
/// `between` both ways. `try_into` may fail, with a [`MisuseError`].
///
/// A field that is called otherwise in the core names it behind `=`: `wait_ms: u64 = wait`, or its place in a tuple:
/// `reason: SignedOutReason = 0`. A variant or a field that only the core has does not compile.
macro_rules! mirror {
    (
        $(#[$of_type:meta])*
        pub enum $Mirror:ident $way:ident $Core:ty {
            $(
                $(#[$of_variant:meta])*
                $Variant:ident $({ $( $(#[$of_field:meta])* $field:ident: $Type:ty $(= $core:tt)? ),+ $(,)? })?
            ),+ $(,)?
        }
    ) => {
        $(#[$of_type])*
        pub enum $Mirror {
            $( $(#[$of_variant])* $Variant $({ $( $(#[$of_field])* $field: $Type ),+ })? ),+
        }
        crate::mirror::translate!($way $Mirror $Core { $( [:: $Variant] { $( $( $field [$($core:)? $field] )+ )? } )+ });
    };
    (
        $(#[$of_type:meta])*
        pub struct $Mirror:ident $way:ident $Core:ty {
            $( $(#[$of_field:meta])* pub $field:ident: $Type:ty $(= $core:tt)? ),+ $(,)?
        }
    ) => {
        $(#[$of_type])*
        pub struct $Mirror {
            $( $(#[$of_field])* pub $field: $Type ),+
        }
        crate::mirror::translate!($way $Mirror $Core { [] { $( $field [$($core:)? $field] )+ } });
    };
}

/// The translation of a [`mirror!`]: of each variant, how it follows the type's name, and of each field, how the core's pattern
/// names it.
macro_rules! translate {
    (from $Mirror:ident $Core:ty { $( [$($variant:tt)*] { $( $field:ident [$($named:tt)+] )* } )+ }) => {
        impl From<$Core> for $Mirror {
            fn from(core: $Core) -> Self {
                type Core = $Core;
                match core {
                    $( Core $($variant)* { $( $($named)+ ),* } => {
                        Self $($variant)* { $( $field: crate::mirror::FromCore::from_core($field) ),* }
                    } )+
                }
            }
        }

        crate::mirror::outward! { $Core => $Mirror: Into::into; }
    };
    (into $Mirror:ident $Core:ty { $( [$($variant:tt)*] { $( $field:ident [$($named:tt)+] )* } )+ }) => {
        impl From<$Mirror> for $Core {
            fn from(mirror: $Mirror) -> Self {
                type Mirror = $Mirror;
                match mirror {
                    $( Mirror $($variant)* { $( $field ),* } => {
                        $( let $field = crate::mirror::IntoCore::into_core($field); )*
                        Self $($variant)* { $( $($named)+ ),* }
                    } )+
                }
            }
        }

        crate::mirror::inward! { $Mirror => $Core: Into::into; }
        crate::mirror::spells_all!($Core { $( [$($variant)*] )+ });
    };
    (between $($of:tt)+) => {
        crate::mirror::translate!(from $($of)+);
        crate::mirror::translate!(into $($of)+);
    };
    (try_into $Mirror:ident $Core:ty { $( [$($variant:tt)*] { $( $field:ident [$($named:tt)+] )* } )+ }) => {
        impl crate::mirror::TryIntoCore<$Core> for $Mirror {
            fn try_into_core(self) -> Result<$Core, crate::error::MisuseError> {
                type Core = $Core;
                Ok(match self {
                    $( Self $($variant)* { $( $field ),* } => {
                        $( let $field = crate::mirror::TryIntoCore::try_into_core($field)?; )*
                        Core $($variant)* { $( $($named)+ ),* }
                    } )+
                })
            }
        }

        crate::mirror::spells_all!($Core { $( [$($variant)*] )+ });
    };
}

/// What goes into the core is matched on the mirror, which would not miss a variant that only the core has.
macro_rules! spells_all {
    ($Core:ty { $( [$($variant:tt)*] )+ }) => {
        const _: fn(&$Core) = |core| {
            type Core = $Core;
            match core {
                $( Core $($variant)* { .. } => (), )+
            }
        };
    };
}

/// What comes out of the core: its type, what that becomes, and how.
macro_rules! outward {
    ($( $Core:ty => $Mirror:ty: $from:expr; )+) => {
        $(
            impl crate::mirror::FromCore<$Core> for $Mirror {
                fn from_core(core: $Core) -> Self {
                    $from(core)
                }
            }
        )+
    };
}

/// What goes in: the other way round.
macro_rules! inward {
    ($( $Mirror:ty => $Core:ty: $into:expr; )+) => {
        $(
            impl crate::mirror::IntoCore<$Core> for $Mirror {
                fn into_core(self) -> $Core {
                    $into(self)
                }
            }
        )+
    };
}

pub(crate) use {inward, mirror, outward, spells_all, translate};

/// How a part of the core's type becomes one of the mirror.
pub(crate) trait FromCore<Core> {
    fn from_core(core: Core) -> Self;
}

/// How a part of the mirror becomes one of the core's type.
pub(crate) trait IntoCore<Core> {
    fn into_core(self) -> Core;
}

/// The same, where it may fail.
pub(crate) trait TryIntoCore<Core> {
    fn try_into_core(self) -> Result<Core, MisuseError>;
}

impl<Mirror: IntoCore<Core>, Core> TryIntoCore<Core> for Mirror {
    fn try_into_core(self) -> Result<Core, MisuseError> {
        Ok(self.into_core())
    }
}

impl<Mirror: FromCore<Core>, Core> FromCore<Option<Core>> for Option<Mirror> {
    fn from_core(core: Option<Core>) -> Self {
        core.map(Mirror::from_core)
    }
}

impl<Mirror: IntoCore<Core>, Core> IntoCore<Option<Core>> for Option<Mirror> {
    fn into_core(self) -> Option<Core> {
        self.map(Mirror::into_core)
    }
}

impl<Mirror: FromCore<Core>, Core> FromCore<Vec<Core>> for Vec<Mirror> {
    fn from_core(core: Vec<Core>) -> Self {
        core.into_iter().map(Mirror::from_core).collect()
    }
}

impl<Mirror: IntoCore<Core>, Core> IntoCore<Vec<Core>> for Vec<Mirror> {
    fn into_core(self) -> Vec<Core> {
        self.into_iter().map(Mirror::into_core).collect()
    }
}

impl<Mirror: FromCore<Core>, Core> FromCore<Box<Core>> for Mirror {
    fn from_core(core: Box<Core>) -> Self {
        Self::from_core(*core)
    }
}

impl<Mirror: FromCore<Core>, Core: Clone> FromCore<Arc<Core>> for Mirror {
    fn from_core(core: Arc<Core>) -> Self {
        Self::from_core(Arc::unwrap_or_clone(core))
    }
}
