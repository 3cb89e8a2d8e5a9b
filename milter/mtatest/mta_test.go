package mtatest_test

import (
	"testing"

	"github.com/postseal/postseal/milter/mtatest"
)

// promises hold on every MTA.
var promises = []struct {
	name string
	test func(*testing.T)
}{
	{"secure recipients get it byte for byte", testSecureRecipientsGetItByteForByte},
	{"unknown recipient is tagged", testUnknownRecipientIsTagged},
	{"forged verdict is removed from secure mail", testForgedVerdictIsRemovedFromSecureMail},
	{"marked mail is split", testMarkedMailIsSplit},
	{"decision names the near miss", testDecisionNamesTheNearMiss},
	{"diverted mail keeps DSN", testDivertedMailKeepsDSN},
	{"diverted without subject", testDivertedWithoutSubject},
	{"add_marker", testAddMarker},
	{"quarantine", testQuarantine},
	{"reject at the end", testRejectAtTheEnd},
	{"default reply says what to type", testDefaultReplySaysWhatToType},
	{"closed recipient is refused", testClosedRecipientIsRefused},
	{"longest replies arrive", testLongestRepliesArrive},
	{"look-alike is rejected", testLookAlikeIsRejected},
	{"odd forms never go out in clear", testOddFormsNeverGoOutInClear},
	{"long addresses", testLongAddresses},
	{"thousand recipients", testThousandRecipients},
	{"bare name goes where the MTA completes it", testBareNameGoesWhereTheMTACompletesIt},
	{"difference of readings is logged", testDifferenceOfReadingsIsLogged},
	{"messages of one connection", testMessagesOfOneConnection},
	{"pipelining", testPipelining},
	{"sendmail(1)", testSendmailCommand},
	{"sendmail(1), odd forms", testSendmailCommandOddForms},
	{"sendmail(1) while down", testSendmailCommandWhileDown},
	{"observe changes nothing", testObserveChangesNothing},
	{"observing policy", testObservingPolicy},
	{"reload under load", testReloadUnderLoad},
	{"killed daemon leaks nothing", testKilledDaemonLeaksNothing},
	{"too many connections", testTooManyConnections},
	{"SIGTERM lets messages finish", testTermLetsMessagesFinish},
	{"restarts cost no mail", testRestartsCostNoMail},
	{"relay is down", testRelayIsDown},
	{"second pass changes nothing", testSecondPassChangesNothing},
}

func TestPromises(t *testing.T) {
	t.Cleanup(func() { mta = postfix })
	for _, each := range []struct {
		name string
		mta  mtatest.MTA
	}{{"Postfix", postfix}, {"Sendmail", sendmail}, {"Sendmail of Debian", debian}} {
		t.Run(each.name, func(t *testing.T) {
			mta = each.mta
			for _, p := range promises {
				t.Run(p.name, p.test)
			}
		})
	}
}
