package redact

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// commonWords are those that messages about logins are made of, in lower case. A login
// that is one of them, such as "test" or "login", or that has one in it, must not hide
// every message: that the word stands there says nothing of the secret.
var commonWords = sync.OnceValue(func() map[string]bool {
	words := map[string]bool{}
	for _, w := range strings.Fields(`
		access account accounts admin administrator another answer api application auth authentication
		authorization bad bank basic bearer blocked business cannot certificate client cloud code company
		confirm correct credentials customer data default demo denied disabled email error example expired
		failed field forbidden found grant header http https identifier incorrect internal invalid invoice
		json key kassa license locked login manager merchant message method name not number office operator
		organization owner parameter password payment permission phone please production public refresh
		rejected request required root sandbox secret server service session shop store support system
		temporarily test tester token type unauthorized unavailable unknown unsupported user username value
		verify wrong
		аккаунт банк вход доступ запрос заблокирован код логин найден неверный неправильный ошибка пароль
		пользователь пользователя сервис телефон тест токен учетная учётная запись`) {
		words[w] = true
	}
	return words
})

// insideCommonWord reports whether a part of a text, in lower case, lies within one word
// of it that is common. A part that is longer than its word never does.
func insideCommonWord(text string, from, to int) bool {
	for from > 0 {
		r, n := utf8.DecodeLastRuneInString(text[:from])
		if !ofWord(r) {
			break
		}
		from -= n
	}
	for to < len(text) {
		r, n := utf8.DecodeRuneInString(text[to:])
		if !ofWord(r) {
			break
		}
		to += n
	}
	return commonWords()[text[from:to]]
}

// ofWord reports whether a character continues a word: what looks like a password
// that begins with a common word is none.
func ofWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == utf8.RuneError || strings.ContainsRune("_-+/=%$", r)
}
