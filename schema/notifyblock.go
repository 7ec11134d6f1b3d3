package schema

import (
	"errors"
	"net/url"

	"github.com/credsync/credsync/internal/httpsettings"
	"github.com/zclconf/go-cty/cty"
)

// The kinds of events that a notify block can ask for.
const (
	EventBlocked   = "blocked"
	EventFailing   = "failing"
	EventExpiring  = "expiring"
	EventRecovered = "recovered"
)

// EventKinds are all of them.
var EventKinds = []string{EventBlocked, EventFailing, EventExpiring, EventRecovered}

// EventTest is the kind of an event that nobody asks for in a configuration: a
// person sends it to see whether it arrives.
const EventTest = "test"

// NotifyBlock is the notify block.
func NotifyBlock() *Block {
	return &Block{
		Type: "notify", Labels: []string{"type", "name"},
		Doc: "A webhook that is called, once for each change, when an account needs a human, keeps failing, is close to the expiry of something that only a human can renew, or has recovered. The type is `\"webhook\"`. See [Notifications](../notifications.md).",
		Attributes: []Attribute{
			{
				Name: "url", Type: cty.String, Required: true, Sensitive: true, Check: checkWebhook,
				Doc: "Where the message is sent. It must be `https://`, or `http://` to a loopback address or with `allow_plain_http`.",
			},
			{
				Name: "method", Type: cty.String, Default: cty.StringVal("POST"), OneOf: []string{"POST", "PUT"},
				Doc: "The HTTP method.",
			},
			{
				Name: "headers", Type: cty.Map(cty.String), Sensitive: true, MayBeEmpty: true, Check: checkHeaders,
				Doc: "Headers to send, such as `Authorization`. `Content-Type` is `application/json` unless set here.",
			},
			{
				Name: "body", Type: cty.DynamicPseudoType, Deferred: true, DefaultText: "`{ text = event.summary }`",
				Doc: "The message, built from `event`. A string is sent as it is, anything else as JSON.",
			},
			{
				Name: "on", Type: cty.Set(cty.String), OneOf: EventKinds, Check: checkEvents, DefaultText: "all",
				Doc: "The kinds of events to send.",
			},
			{
				Name: "after_failures", Type: cty.Number, Default: cty.NumberIntVal(3), Check: wholeNumberUpTo(1000),
				Doc: "How many runs in a row must fail before an account is `failing`, 1 to 1000.",
			},
			{
				Name: "expiring_within", Type: cty.String, Default: cty.StringVal("30d"), Check: CheckDuration,
				Doc: "How long before its expiry a client certificate or a static token is `expiring`.",
			},
			{
				Name: "timeout", Type: cty.String, Default: cty.StringVal("10s"), Check: timeoutUpTo("30s"),
				Doc: "How long one request may take, from `\"100ms\"` to `\"30s\"`.",
			},
			{
				Name: "allow_plain_http", Type: cty.Bool, Default: cty.False,
				Doc: "Whether `url` may be `http://` to another machine.",
			},
		},
		Check: checkPlainWebhook,
	}
}

// errWebhook does not quote the URL, which is a secret.
var errWebhook = errors.New("must be an absolute URL that begins with https://, such as \"https://hooks.example.com/T0/B0\", without a user or a fragment")

func checkWebhook(v cty.Value) error {
	if _, fault := httpsettings.ParseURL(v.AsString()); fault != httpsettings.None {
		return errWebhook
	}
	return nil
}

func checkPlainWebhook(v Values) error {
	if !v.Known("allow_plain_http") || v.Bool("allow_plain_http") {
		return nil
	}
	u, err := url.Parse(v.Secret("url").Reveal())
	if err == nil && httpsettings.Plain(u) {
		return errors.New("url: must begin with https://, because anyone who sees it can send messages in your name. If you trust the network, set allow_plain_http = true")
	}
	return nil
}

func checkEvents(v cty.Value) error {
	if v.LengthInt() == 0 {
		return errors.New("has no kinds of events, so nothing would ever be sent")
	}
	for it := v.ElementIterator(); it.Next(); {
		if _, e := it.Element(); e.IsNull() {
			return errors.New("has an element that is null")
		}
	}
	return nil
}
