//! 32 bytes written as 64 lower-case hex digits: the one way keys and hashes are shown and read.

/// Why a text is not 32 bytes in hex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal digits")]
pub struct BadHex;

/// Reads exactly 64 hex digits of either case.
pub fn parse_32(text: &str) -> Result<[u8; 32], BadHex> {
    let mut bytes = [0u8; 32];
    if text.len() != 64 {
        return Err(BadHex);
    }
    let decoded = data_encoding::HEXLOWER_PERMISSIVE.decode_mut(text.as_bytes(), &mut bytes);
    decoded.map(|_| bytes).map_err(|_partial| BadHex)
}

/// Writes 64 lower-case hex digits.
pub fn display_32(bytes: &[u8; 32]) -> impl std::fmt::Display + '_ {
    // The returned value borrows the encoding.
    const HEX: &data_encoding::Encoding = &data_encoding::HEXLOWER;
    HEX.encode_display(bytes)
}

/// A newtype over 32 bytes with the hex form as its text form.
macro_rules! hex_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Takes the 32 bytes as they are.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes, as requests between peers and the database hold them.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&$crate::model::hex::display_32(&self.0), f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::model::hex::BadHex;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::model::hex::parse_32(text).map(Self)
            }
        }

        $crate::model::kept_as_text::kept_as_text!($name);
    };
}
pub(crate) use hex_newtype;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_refuses_the_rest() {
        let bytes: [u8; 32] = std::array::from_fn(|i| u8::try_from(i * 7 % 256).expect("below 256"));
        let text = display_32(&bytes).to_string();
        assert_eq!(parse_32(&text), Ok(bytes));
        assert_eq!(parse_32(&text.to_uppercase()), Ok(bytes));
        for bad in ["", "0", &text[1..], &format!("{text}0"), &text.replace('0', "g"), &format!(" {}", &text[1..])] {
            assert_eq!(parse_32(bad), Err(BadHex), "{bad:?}");
        }
    }
}
