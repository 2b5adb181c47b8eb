using System.CommandLine;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Terminal;
using CertAuthority.Ui.Desks;

namespace CertAuthority.Tctl;

/// <summary><c>tctl ui</c>.</summary>
internal sealed class UiCommand() : Ui.UiCommand(
    "Serves a web page for you alone: requests to answer, hosts, who can log in where, and locks", "tctl ui", "tctl ui --idle=120",
    "tctl ui --no-open --port=8022")
{
    protected override Desk Sit(ParseResult parsed, CaClient ca) =>
        new AdministratorDesk(ca, Accounts.NameOf(Accounts.OwnUid) ?? $"uid {Accounts.OwnUid}") { Show = parsed.Show };
}
