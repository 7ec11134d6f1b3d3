# The public demo shop of the billing service Invoicebox: you need no account of
# your own. The vendor's documentation publishes its token:
#
#   export CREDSYNC_VAR_invoicebox_token=b37c4c689295904ed21eee5d9a48d42e
#
# A token of your own belongs in a secret store, not in a shell history.

credsync {
  project = "demo"
}

variable "invoicebox_url" {
  type    = string
  default = "https://api.invoicebox.ru"
}

variable "invoicebox_token" {
  type      = string
  sensitive = true
}

sink "file" "secrets" {
  dir = "secrets"
}

account "invoicebox" "demo_shop" {
  base_url    = var.invoicebox_url
  token       = var.invoicebox_token
  merchant_id = "ffffffff-ffff-ffff-ffff-ffffffffffff" # the demo shop

  deliver "file" "secrets" {
    path = "demo-shop.json"
  }
}
