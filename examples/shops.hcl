# One account for each shop, from a table. Each is delivered to every team that
# the table names for it.

credsync {
  project = "shops"
}

variable "sagi_url" {
  type    = string
  default = "https://gateway.sagi.kz"
}

variable "sagi_passwords" {
  type        = map(string)
  sensitive   = true
  description = "The password of each shop, by the name of the shop."
}

locals {
  shops = { for row in csvdecode(file("shops.csv")) : row.name => row }
}

sink "file" "out" {
  dir = "secrets"
}

account "sagi" "shop" {
  for_each = local.shops

  base_url = var.sagi_url
  phone    = each.value.login
  password = var.sagi_passwords[each.key]

  dynamic "deliver" {
    for_each = toset(split(" ", each.value.teams))
    labels   = ["file", "out"]

    content {
      path = "${deliver.value}/${each.key}.json"
    }
  }
}
