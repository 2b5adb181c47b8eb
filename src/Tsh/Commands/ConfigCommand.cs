using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>tsh config</c>.</summary>
internal sealed class ConfigCommand : CliCommand
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly Option<bool> remove = new("--remove") { Description = "Take out what it put in" };
    private readonly Option<bool> print = new("--print") { Description = "Print what ssh would read, and change nothing" };

    public ConfigCommand()
        : base(
            "config",
            "Lets plain ssh, scp, sftp, rsync and git reach your hosts with your certificate: a block in ~/.ssh/config, kept up to date by each login",
            "tsh config && ssh postgres@db1",
            "tsh config --remove")
    {
        Options.Add(remove);
        Options.Add(print);
        Options.Add(new FormatOption());
        Subcommands.Add(new ForHostCommand());
        Subcommands.Add(new RenewCommand());
        Validators.Add(result =>
        {
            if (result.GetResult(remove) is { Implicit: false } && result.GetResult(print) is { Implicit: false })
                result.AddError("--remove and --print exclude each other");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var home = Home.Chosen(parsed);
        if (parsed.GetValue(remove))
        {
            var removed = Edit(SshConfig.WithoutBlock, home);
            File.Delete(home.SshConfig);
            parsed.PrintResult(
                Result(removed, []),
                removed
                    ? $"the block of tsh config has been removed from {OfUser()}"
                    : $"{OfUser()} has no block of tsh config, nothing to remove");
            return ExitCode.Done;
        }
        using var ca = ServerOption.Connect(parsed);
        var (text, nodes) = await SshConfigFile.Text(parsed, home, ca, cancellation);
        if (parsed.GetValue(print))
        {
            if (FormatOption.IsJson(parsed))
                parsed.PrintJson(Result(false, nodes, text));
            else
                parsed.PrintEscaped(text.TrimEnd('\n').Split('\n'));
            return ExitCode.Done;
        }
        home.EnsureFolder();
        await home.HostCas.Follow(parsed, ca, null, null, cancellation);
        AtomicFile.Replace(home.SshConfig, Encoding.UTF8.GetBytes(text), OwnerOnly);
        var changed = Edit(SshConfig.WithBlock, home);
        parsed.PrintResult(
            Result(changed, nodes),
            $"{OfUser()} now has your {Wording.Count(nodes.Length, "host")}{(nodes is [] ? "" : $": {string.Join(", ", nodes.Take(10).Select(node => node.Name))}{(nodes.Length > 10 ? ", …" : "")}")}");
        if (nodes is [var first, ..])
            parsed.Hint(first.Logins is [_] ? $"ssh {first.Name}" : $"ssh LOGIN@{first.Name}");
        return ExitCode.Done;
    }

    private static JsonObject Result(bool changed, ListedNode[] nodes, string? text = null)
    {
        var result = new JsonObject
        {
            ["file"] = OfUser(),
            ["changed"] = changed,
            ["nodes"] = new JsonArray([.. nodes.Select(node => (JsonNode)node.Name)]),
        };
        if (text is not null)
            result["text"] = text;
        return result;
    }

    /// <summary>The file that ssh reads: in the account's home directory, whatever HOME contains.</summary>
    private static string OfUser() => Path.Combine(
        Accounts.OwnHome ?? UserFolders.Home
            ?? throw new FailureException(
                "your account has no home directory, so ssh reads no configuration of yours",
                "tsh config --print shows what ssh would read"),
        ".ssh", "config");

    /// <summary>Changes <c>~/.ssh/config</c> in one step, at its real path: people often link it from elsewhere.</summary>
    private static bool Edit(Func<string, Home, string> change, Home home)
    {
        var file = OfUser();
        // A link may point to a file that does not exist yet; then that file is created.
        if (new FileInfo(file).LinkTarget is not null && File.ResolveLinkTarget(file, returnFinalTarget: true) is { } target)
            file = target.FullName;
        var exists = File.Exists(file);
        // Bytes that are not UTF-8 stay unchanged.
        var old = exists ? Encoding.Latin1.GetString(File.ReadAllBytes(file)) : "";
        var next = change(old, home);
        if (next == old)
            return false;
        if (next.Length == 0)
        {
            File.Delete(file);
            return true;
        }
        Directory.CreateDirectory(Path.GetDirectoryName(file)!, OwnerOnly | UnixFileMode.UserExecute);
        AtomicFile.Replace(file, Encoding.Latin1.GetBytes(next), exists ? File.GetUnixFileMode(file) : OwnerOnly);
        return true;
    }

    /// <summary>
    /// <c>tsh config for-host NODE</c>: ssh runs it before it connects to a node that needs its own certificate. It prints nothing on
    /// success.
    /// </summary>
    private sealed class ForHostCommand : CliCommand
    {
        private readonly Argument<string> destination = new("LOGIN@NODE")
        {
            HelpName = "LOGIN@NODE",
            Description = "The node, and the account there"
        };

        public ForHostCommand()
            : base("for-host", "Sees to a certificate for one host; ssh runs it", "tsh config for-host postgres@db1")
        {
            Hidden = true;
            Arguments.Add(destination);
        }

        protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
        {
            var (login, node) = Destination(parsed.GetValue(destination)!);
            var home = Home.Chosen(parsed);
            if (NodeCertificate.AtHand(home, login, node) is not null)
                return ExitCode.Done;
            using var ca = ServerOption.Connect(parsed);
            var opened = await NodeCertificate.Get(home, node, ca, UserOption.Chosen(parsed, home), cancellation);
            return opened.Contains(login)
                ? ExitCode.Done
                : throw new FailureException(
                    $"your roles open {string.Join(", ", opened)} on {node}, and not {login}",
                    Spelling.Nearest(login, opened) is { } meant ? $"did you mean '{meant}'?" : null);
        }
    }

    /// <summary>
    /// <c>tsh config renew LOGIN@NODE</c>: ssh runs it before it connects when the certificate has expired. It succeeds if the certificate
    /// then opens the login.
    /// </summary>
    private sealed class RenewCommand : CliCommand
    {
        private readonly Argument<string> destination = new("LOGIN@NODE")
        {
            HelpName = "LOGIN@NODE",
            Description = "The node, and the account there"
        };

        public RenewCommand()
            : base("renew", "Replaces a certificate that has ended; ssh runs it", "tsh config renew postgres@db1")
        {
            Hidden = true;
            Arguments.Add(destination);
        }

        protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
        {
            var (login, node) = Destination(parsed.GetValue(destination)!);
            var home = Home.Chosen(parsed);
            var held = Held.In(home);
            var now = TimeProvider.System.GetUtcNow();
            if (held.Certificates is not [{ Info: var expired }, ..])
                throw new FailureException("not logged in", home.Command("login"));
            var user = UserOption.Chosen(parsed, home);
            using var ca = ServerOption.Connect(parsed);
            // The everyday certificate may still be valid, or another ssh may have renewed it a moment ago.
            if (!held.At(now).Any())
                await Renewal.Run(parsed, home, ca, user, expired, cancellation);
            // Reports what is missing if the regular roles do not open the login.
            var there = await ca.Send(Routes.GetMyNode, new GetMyNode(node, user, login), cancellation);
            return Held.In(home).For(login, node, TimeProvider.System.GetUtcNow(), there.Groups) is not null
                ? ExitCode.Done
                : throw new FailureException($"your certificate does not open {login}@{node}", home.Command("login"));
        }
    }

    private static (string Login, string Node) Destination(string text)
    {
        var at = text.LastIndexOf('@');
        var (login, node) = at < 0 ? ("", text) : (text[..at], text[(at + 1)..]);
        PlainNames.CheckLogin(login);
        PlainNames.CheckNode(node);
        return (login, node);
    }
}
