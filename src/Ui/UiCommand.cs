using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using CertAuthority.Protocol;
using CertAuthority.Terminal;
using CertAuthority.Ui.Desks;
using CertAuthority.Ui.Serving;

namespace CertAuthority.Ui;

/// <summary><c>tsh ui</c> and <c>tctl ui</c>: serves the web page on loopback, to the person who started it.</summary>
public abstract class UiCommand : CliCommand
{
    private readonly Option<int> port = new("--port")
    {
        HelpName = "N",
        Description = "The port on 127.0.0.1. Default: any that is free",
        CustomParser = result =>
        {
            if (ushort.TryParse(result.Tokens[0].Value, out var number) && number > 0)
                return number;
            result.AddError($"--port takes a number from 1 to 65535, not '{result.Tokens[0].Value}'");
            return 0;
        },
    };
    private readonly IdleOption idle = new();
    private readonly Option<bool> noOpen = new("--no-open") { Description = "Only print the address, do not open a browser" };

    /// <summary>Creates the command.</summary>
    /// <param name="description">One sentence for the help.</param>
    /// <param name="examples">Whole command lines.</param>
    protected UiCommand(string description, params string[] examples)
        : base("ui", description, examples)
    {
        foreach (var option in (Option[])[port, idle, noOpen])
            Options.Add(option);
    }

    /// <summary>Returns what the page may do.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="ca">The daemon that it names.</param>
    protected abstract Desk Sit(ParseResult parsed, CaClient ca);

    /// <inheritdoc/>
    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        using var ca = ServerOption.Connect(parsed);
        var why = await PageServer.Serve(
            Sit(parsed, ca), parsed.GetValue(port), parsed.GetValue(idle), TimeProvider.System, address =>
            {
                parsed.Print(address);
                parsed.Say("this address works once, in a browser of your account; Ctrl-C ends the page");
                if (!parsed.GetValue(noOpen) && HasBrowser())
                    Open(address);
            },
            () => parsed.Say("a browser has the page now"), cancellation);
        parsed.Say($"the page has ended: {why}");
        return ExitCode.Done;
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

/// <summary><c>--idle</c>.</summary>
internal sealed class IdleOption : Option<TimeSpan>
{
    public IdleOption()
        : base("--idle")
    {
        HelpName = "MINUTES";
        Description = "End when nobody has used the page for so long, from 1 to 1440. Default: 30";
        DefaultValueFactory = _ => TimeSpan.FromMinutes(30);
        CustomParser = result =>
        {
            if (ushort.TryParse(result.Tokens[0].Value, out var minutes) && minutes is >= 1 and <= 24 * 60)
                return TimeSpan.FromMinutes(minutes);
            result.AddError($"--idle takes minutes from 1 to 1440, not '{result.Tokens[0].Value}'");
            return TimeSpan.Zero;
        };
    }
}
