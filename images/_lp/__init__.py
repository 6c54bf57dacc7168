"""What the linear-programming modules share: MathProg, LP and MPS in; a solver in the middle; tables out."""
