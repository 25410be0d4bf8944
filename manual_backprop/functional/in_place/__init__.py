"""Operations that write over their input."""
