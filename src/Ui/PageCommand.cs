using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Terminal;
using CertAuthority.Ui.Desks;
using CertAuthority.Ui.Serving;

namespace CertAuthority.Ui;

/// <summary>Serves the page. The command line that became this program has checked every value.</summary>
internal sealed class PageCommand : CliCommand
{
    // Somebody may have to find their security key first.
    private static readonly TimeSpan LogInWithin = TimeSpan.FromMinutes(3);

    private readonly Option<int> port = new("--port");
    private readonly Option<int> idle = new("--idle");
    private readonly Option<bool> noOpen = new("--no-open");
    private readonly Option<string?> user = new("--user");
    private readonly Option<string?> profile = new("--profile");
    private readonly Option<string?> tsh = new("--tsh");
    private readonly Option<string?> loginKey = new("--login-key");
    private readonly Option<string?> installation = new("--installation");

    /// <summary>Creates the command.</summary>
    /// <param name="program">The program that became this one, whose name messages and commands have.</param>
    public PageCommand(string program)
        : base(program, "Serves the web page of tsh ui and tctl ui, which start it")
    {
        foreach (var option in (Option[])
            [
                new ServerOption(installation: (parsed, _) => parsed.GetValue(installation)), port, idle, noOpen, user, profile, tsh,
                loginKey, installation,
            ])
            Options.Add(option);
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        // The library listens for Ctrl-C once this method first waits, and the address must not be on the screen before that.
        await Task.Yield();
        using var ca = ServerOption.Connect(parsed);
        var life = new PageLife(TimeSpan.FromSeconds(parsed.GetValue(idle)), parsed.GetValue(loginKey), TimeProvider.System);
        var desk = Desk(parsed, ca);
        await Try(desk, cancellation);
        var end = await PageServer.Serve(
            desk, parsed.GetValue(port), life, TimeProvider.System, address =>
            {
                parsed.Print(address);
                parsed.Say("this address works once, in a browser of your account; Ctrl-C ends the page");
                if (!parsed.GetValue(noOpen) && HasBrowser())
                    Open(address);
            },
            () => parsed.Say("a browser has the page now"), cancellation);
        parsed.Say(
            end switch
            {
                PageEnd.Idle => "the page has ended: nobody used it",
                PageEnd.LoggedOut => "the page has ended: you logged out",
                PageEnd.Left => "the page has ended: you left it",
                _ => "the page has ended: interrupted",
            });
        return end == PageEnd.Interrupted ? ExitCode.Interrupted : ExitCode.Done;
    }

    // If the daemon refuses this person or cannot be reached, the terminal says so: a page could do nothing for them.
    private static async Task Try(Desk desk, CancellationToken cancellation)
    {
        try
        {
            await desk.CountWaiting(cancellation);
        }
        catch (ProblemException refused)
        {
            // This program shows no next steps; the command line that became it does.
            var hints = new[] { refused.Problem.Hint }.Concat(desk.Show(refused.Problem.Next)).OfType<string>().ToList();
            throw new ProblemException(refused.Problem with { Hint = hints is [] ? null : string.Join("; ", hints), Next = null });
        }
    }

    private Desk Desk(ParseResult parsed, CaClient ca)
    {
        if (Name == "tctl")
            return new AdministratorDesk(ca, Accounts.NameOf(Accounts.OwnUid) ?? $"uid {Accounts.OwnUid}")
            {
                Show = steps => (steps ?? []).Select(CertAuthority.Tctl.NextStepText.Show).OfType<string>(),
            };
        var login = parsed.GetValue(profile);
        return new UserDesk(
            ca, login is null ? Name : $"{Name} --profile={login}", parsed.GetValue(user),
            (id, cancellation) => LogIn(parsed, id, cancellation))
        {
            Show = steps => (steps ?? []).Select(step => CertAuthority.Tsh.NextStepText.Show(step, login)).OfType<string>(),
        };
    }

    // By the program itself: a login writes keys and certificates, and may talk to agents and security keys.
    private async Task<(bool Done, string Said)> LogIn(ParseResult parsed, string request, CancellationToken cancellation)
    {
        string[] arguments =
        [
            "login", $"--request-id={request}", $"--server={ServerOption.Chosen(parsed)}",
            .. parsed.GetValue(user) is { } one ? (string[])[$"--user={one}"] : [],
            .. parsed.GetValue(profile) is { } login ? (string[])[$"--profile={login}"] : [],
        ];
        var (exitCode, output, error) = await InstalledProgram.Run(
            parsed.GetValue(tsh)!, arguments, cancellation, LogInWithin, "tsh login did not end in time, and was stopped");
        return (exitCode == ExitCode.Done, exitCode == ExitCode.Done ? output : error);
    }

    // Over ssh, the browser that DISPLAY leads to runs here, not where the person sits.
    private static bool HasBrowser() =>
        (Has("DISPLAY") || Has("WAYLAND_DISPLAY")) && !Has("SSH_CONNECTION") && !Has("SSH_TTY");

    private static bool Has(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 };

    // What the browser writes does not belong on our terminal, and its end is not ours.
    private static void Open(string address)
    {
        try
        {
            using var browser = Process.Start(
                new ProcessStartInfo("setsid", ["--fork", "xdg-open", address])
                {
                    RedirectStandardInput = true,
                    RedirectStandardOutput = true,
                    RedirectStandardError = true,
                    UseShellExecute = false,
                });
        }
        catch (Win32Exception)
        {
            // The address is on the screen.
        }
    }
}
