account "bank" "shop" {
  for_each = toset(["almaty", "astana"])
  username = each.key
  password = "p"
}

moved {
  from = account.bank.shop["astana"] # ERROR: Account to move is still declared; account.bank.shop["astana"] is declared at testdata/errors/movedinstances.hcl:1,1, so its record stays with it and cannot move to account.bank.shop["aktau"]. If the account was renamed, remove the old account block; otherwise remove this moved block.
  to   = account.bank.shop["aktau"] # ERROR: Account moved to an undeclared address; There is no account.bank.shop["aktau"] in the configuration, and no other moved block continues from it. The for_each of the block at testdata/errors/movedinstances.hcl:1,1 has no such key. If the account was removed since, remove this block.
}

moved {
  from = account.bank.past
  to   = account.bank.shop["aktobe"] # ERROR: Account moved to an undeclared address; There is no account.bank.shop["aktobe"] in the configuration, and no other moved block continues from it. The for_each of the block at testdata/errors/movedinstances.hcl:1,1 has no such key. If the account was removed since, remove this block.
}

moved {
  from = account.bank.one
  to   = account.bank.shop["Almaty"] # ERROR: Account moved to an undeclared address; There is no account.bank.shop["Almaty"] in the configuration, and no other moved block continues from it. Did you mean account.bank.shop["almaty"]? If the account was removed since, remove this block.
}

# An instance becomes a block, and a block an instance.
moved {
  from = account.bank.kiosk["x"]
  to   = account.bank.shop # ERROR: Account moved to an undeclared address; There is no account.bank.shop in the configuration, and no other moved block continues from it. The block at testdata/errors/movedinstances.hcl:1,1 has for_each: name an instance, such as account.bank.shop["almaty"]. If the account was removed since, remove this block.
}

# An account that was removed later, as a whole and with its instances.
moved {
  from = account.bank.stores
  to   = account.bank.kiosks
}
