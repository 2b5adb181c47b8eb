using System.CommandLine;
using CertAuthority.Configuration;
using CertAuthority.Signer;
using CertAuthority.Tctl;
using CertAuthority.Terminal;
using CertAuthority.Tsh;

namespace CertAuthority.ManPages;

/// <summary>What a program's pages say beyond what its commands know of themselves: a term and what it means.</summary>
internal sealed record ProgramFacts(
    string Program,
    int Section,
    (string Term, string Meaning)[] Environment,
    (string Term, string Meaning)[] Files,
    (string Term, string Meaning)[] ExitStatus,
    string[] SeeAlso);

/// <summary>Every page of the programs.</summary>
internal static class Manual
{
    private static readonly (string, string)[] ExitStatus = Described(ExitCode.All);

    private static readonly (string, string) Server = ("CERTAUTHORITY_SERVER", "Where the daemon is, unless --server says so.");
    private static readonly (string, string) Completion = ("CERTAUTHORITY_COMPLETION_SECONDS", "How long completion waits for the daemon, from 1 to 60. Default: 1.");
    private static readonly (string, string) NoColour = ("NO_COLOR", "If it is set and not empty, nothing is coloured. Colours are for terminals only; TERM=dumb has none either.");
    private static readonly (string, string) Socket = ("/run/certauthority/ca.sock, ca.sock.admin", "Where the machine's daemon serves; the second is for administrators alone, and tried first.");

    private static readonly ProgramFacts Tsh = new(
        "tsh", 1,
        [Server, ("TSH_HOME", "The folder of key and certificate, instead of ~/.certauthority."), Completion, NoColour],
        [
            ("~/.certauthority/id, id.pub", "The key. It never leaves this folder."),
            ("~/.certauthority/id-cert.pub", "Its certificate."),
            ("~/.certauthority/known_hosts", "The keys of the hosts that were entered."),
            Socket,
        ],
        ExitStatus,
        ["ssh(1)", "tctl(1)", "certauthority(8)"]);

    private static readonly ProgramFacts Tctl = new(
        "tctl", 1,
        [Server, ("VISUAL, EDITOR", "What tctl edit opens; vi if neither is set."), Completion, NoColour],
        [Socket],
        ExitStatus,
        ["tsh(1)", "certauthority(8)"]);

    private static readonly ProgramFacts Daemon = new(
        "certauthority", 8,
        [("NOTIFY_SOCKET", "Where systemd is told that the daemon serves, reads its configuration again, and stops.")],
        [
            ($"{Settings.DefaultFolder}/certauthority.yaml, {Settings.DefaultFolder}/conf.d/*.yaml", "The configuration: the files together, in which no setting is given twice. The daemon reads it again at SIGHUP."),
            ("/var/lib/certauthority", "Keys, database and revocation list of a daemon that root runs."),
            Socket,
        ],
        Described(DaemonCommand.ExitCodes),
        ["tsh(1)", "tctl(1)", "sshd_config(5)"]);

    private static readonly ProgramFacts Signer = new(
        "certauthority-signer", 8,
        [("LISTEN_FDS, LISTEN_PID", "The socket that systemd passes. The signer serves at no other."), ("CREDENTIALS_DIRECTORY", "Where systemd puts the passphrase of an encrypted key.")],
        [
            (SignerSettings.DefaultPath, "The settings. They are read at the start only."),
            ("/var/lib/certauthority-signer", "The keys."),
            ("/var/log/certauthority-signer", "A line for each signature, written before the signature leaves."),
            ("/run/certauthority-signer/user.sock", "Where the daemon asks for signatures."),
        ],
        Described(SignerCommand.ExitCodes),
        ["certauthority(8)", "ssh-agent(1)"]);

    /// <summary>All of them.</summary>
    /// <param name="date">What they bear.</param>
    public static IEnumerable<ManPage> Pages(DateTimeOffset date)
    {
        foreach (var (facts, root) in ((ProgramFacts, Command)[])[(Tsh, new TshCommand()), (Tctl, new TctlCommand()), (Daemon, new DaemonCommand()), (Signer, new SignerCommand())])
        {
            if (root is not RootCommand)
                root.Options.Add(Shell.Help());
            foreach (var path in Below([root]))
                yield return new ManPage(facts, path, date);
        }
    }

    private static (string, string)[] Described((int Code, string Meaning)[] exitCodes) =>
        [.. exitCodes.Select(one => ($"{one.Code}", $"{char.ToUpperInvariant(one.Meaning[0])}{one.Meaning[1..]}."))];

    private static IEnumerable<Command[]> Below(Command[] path) =>
        path[^1].Subcommands.Where(command => !command.Hidden).SelectMany(command => Below([.. path, command])).Prepend(path);
}
