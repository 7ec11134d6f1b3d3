account "bank" "shop" {
  for_each = toset(["almaty", "astana"])
  username = each.key
  password = "p"
}

moved {
  from = account.bank.shop["astana"] # ERROR: account.bank.shop["astana"] is moved to account.bank.shop["aktau"] here, and is still declared at testdata/errors/movedinstances.hcl:1,1
  to   = account.bank.shop["aktau"]
}

moved {
  from = account.bank.past
  to   = account.bank.shop["aktobe"] # ERROR: account.bank.past is moved to account.bank.shop["aktobe"], which the configuration does not have
}

moved {
  from = account.bank.one
  to   = account.bank.shop["Almaty"] # ERROR: Moved to an account that is not declared; account.bank.one is moved to account.bank.shop["Almaty"]
}

# An instance becomes a block, and a block an instance.
moved {
  from = account.bank.kiosk["x"]
  to   = account.bank.shop # ERROR: is moved to account.bank.shop, which the configuration does not have
}

# An account that was removed later, as a whole and with its instances.
moved {
  from = account.bank.stores
  to   = account.bank.kiosks # ERROR: is moved to account.bank.kiosks, which the configuration does not have
}
