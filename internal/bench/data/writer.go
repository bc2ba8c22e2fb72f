package data

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
)

// A writer writes one element, with members in the order of the wire.
type writer struct {
	buf    bytes.Buffer
	random *rand.Rand
}

func (w *writer) object(members func()) {
	w.buf.WriteByte('{')
	members()
	w.buf.WriteByte('}')
}

func (w *writer) member(name string, value func()) {
	if last := w.buf.Bytes()[w.buf.Len()-1]; last != '{' {
		w.buf.WriteByte(',')
	}
	fmt.Fprintf(&w.buf, "%q:", name)
	value()
}

func (w *writer) raw(name, value string) {
	w.member(name, func() { w.buf.WriteString(value) })
}

// text escapes as the service does: what JSON demands, and nothing else. The
// texts here have none of the control characters that need \u.
func (w *writer) text(name, value string) {
	escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", `\r`, "\n", `\n`, "\t", `\t`).Replace(value)
	w.raw(name, `"`+escaped+`"`)
}

func (w *writer) pick(of []string) string { return of[w.random.IntN(len(of))] }

// base64 is a text of n characters of the alphabet of ids, which is that of
// base64 for URLs.
func (w *writer) base64(n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	text := make([]byte, n)
	for i := range text {
		text[i] = alphabet[w.random.IntN(len(alphabet))]
	}
	return string(text)
}

// sentence is n words.
func (w *writer) sentence(words vocabulary, n int) string {
	var text strings.Builder
	for i := range n {
		if i > 0 {
			text.WriteByte(' ')
		}
		text.WriteString(w.pick(words))
	}
	return text.String()
}

// html is a page as Outlook writes it, of at least size bytes when it is
// escaped, and not many more.
func (w *writer) html(words vocabulary, size int) string {
	var page strings.Builder
	page.WriteString("<html>\r\n<head>\r\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">\r\n</head>\r\n<body>\r\n")
	escapes := 10
	for page.Len()+escapes < size {
		switch w.random.IntN(8) {
		case 0:
			fmt.Fprintf(&page, "<a href=\"https://contoso.test/%s\">%s</a><br>\r\n", w.base64(20+w.random.IntN(60)), w.sentence(words, 3))
			escapes += 4
		case 1:
			fmt.Fprintf(&page, "<td>%s</td>\r\n", w.sentence(words, 1+w.random.IntN(4)))
			escapes += 2
		default:
			fmt.Fprintf(&page, "<p class=\"MsoNormal\">%s.</p>\r\n", w.sentence(words, 12+w.random.IntN(22)))
			escapes += 4
		}
	}
	page.WriteString("</body>\r\n</html>\r\n")
	return page.String()
}

// A vocabulary is what texts are made of.
type vocabulary []string

func latin() vocabulary {
	return strings.Fields(`meeting the budget review of quarter agenda and please join project plan for next week room
		customer visit to discuss open points sales team travel offer contract signed draft version before Monday with
		board release training holiday lunch workshop a status in update minutes responsible deadline`)
}

func eastern() vocabulary {
	return strings.Fields(`会议 预算 季度 评审 项目 计划 下周 客户 拜访 讨论 未解决问题 销售团队 出差 报价 合同 草案 版本 星期一
		会議 予算 四半期 レビュー プロジェクト 打ち合わせ 資料 確認 встреча бюджет квартал обсуждение проект план неделя
		клиент договор версия отпуск обучение понедельник ответственный срок 회의 예산 UTC Teams`)
}
