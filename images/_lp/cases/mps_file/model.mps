NAME          TRANSPORT
ROWS
 N  COST
 L  mine1
 L  mine2
 G  town1
 G  town2
COLUMNS
    m1t1  COST  2  mine1  1
    m1t1  town1  1
    m1t2  COST  4  mine1  1
    m1t2  town2  1
    m2t1  COST  5  mine2  1
    m2t1  town1  1
    m2t2  COST  3  mine2  1
    m2t2  town2  1
RHS
    RHS  COST  5  mine1  9
    RHS  mine2  2  town1  3
    RHS  town2  3
ENDATA
