moved { # ERROR: Moved blocks form a cycle; These blocks lead back to where they began: account.bank.x to account.bank.y (testdata/errors/movedcircle.hcl:1,1), account.bank.y to account.bank.z (testdata/errors/movedcircle.hcl:6,1), account.bank.z to account.bank.x (testdata/errors/movedcircle.hcl:11,1). Only two accounts can be swapped at a time. Keep only the blocks that the last edit needs.
  from = account.bank.x
  to   = account.bank.y
}

moved {
  from = account.bank.y
  to   = account.bank.z
}

moved {
  from = account.bank.z
  to   = account.bank.x
}
