namespace CertAuthority.Tctl;

/// <summary><c>tctl ui</c>.</summary>
internal sealed class UiCommand() : Terminal.UiCommand(
    "Serves a web page for you alone: requests to answer, hosts, who can log in where, and locks", "tctl ui", "tctl ui --idle=2h",
    "tctl ui --no-open --port=8022");
