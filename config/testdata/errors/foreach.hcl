variable "secret" {
  default   = { a = "hunter2" }
  sensitive = true
}

account "bank" "a" {
  for_each = ["a"] # ERROR: use toset()
}

account "bank" "b" {
  for_each = var.secret # ERROR: its keys become part of addresses
}

account "bank" "c" {
  for_each = null # ERROR: The value of for_each is null
}

account "bank" "d" {
  for_each = toset([1, 2]) # ERROR: is a set of number
}

account "bank" "e" {
  for_each = "x" # ERROR: is a string
}

account "bank" "f" {
  for_each = toset(["x"])
  username = each.name # ERROR: "each" has two attributes
  password = each.value
}
