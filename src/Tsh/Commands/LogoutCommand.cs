using System.CommandLine;
using System.Text;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>tsh logout</c>.</summary>
internal sealed class LogoutCommand : CliCommand
{
    private readonly Option<bool> revoke = new("--revoke")
    {
        Description = "Also revoke the certificates of this login, so that copies of them open nothing"
    };
    private readonly Option<bool> wait = HostsBehindText.WaitForHosts();

    public LogoutCommand()
        : base(
            "logout",
            "Removes the key and certificate in tsh's home and in the ssh-agent; what --key and --out of login wrote elsewhere stays",
            "tsh logout", "tsh logout --revoke")
    {
        Options.Add(revoke);
        Options.Add(wait);
        Options.Add(new FormatOption());
        Validators.Add(result =>
        {
            if (result.GetResult(wait) is { Implicit: false } && result.GetResult(revoke) is not { Implicit: false })
                result.AddError("--wait goes with --revoke");
        });
    }

    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var home = Home.Chosen(parsed);
        using var ca = parsed.GetValue(revoke) ? ServerOption.Connect(parsed) : null;
        // Runs while the serials are still known.
        string[] revoked = ca is not null && Held.Serials(home) is [_, ..] serials
            ? (await ca.Send(
                Routes.RevokeMyCertificates, new RevokeMyCertificates(serials, User: UserOption.Chosen(parsed, home)),
                cancellation)).Revoked
            : [];
        var user = Held.In(home).User;
        if (Directory.Exists(home.Folder))
            using (home.Lock())
                foreach (var fault in await Agent.Forget(home, cancellation))
                    parsed.Warn($"{fault}; it may still hold your certificate");
        if (File.Exists(home.SshConfig))
            AtomicFile.Replace(
                home.SshConfig, Encoding.UTF8.GetBytes(SshConfig.LoggedOut(await File.ReadAllTextAsync(home.SshConfig, cancellation))),
                UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var removed = (home.Clear(), user) switch
        {
            (false, _) => "not logged in, nothing to remove",
            (true, null) => $"key removed from {home.Folder}",
            (true, _) => $"{user} has been logged out, key and certificate removed from {home.Folder}",
        };
        if (FormatOption.IsJson(parsed))
            parsed.Say(removed);
        else
            parsed.Print(removed);
        if (ca is not null || FormatOption.IsJson(parsed))
            parsed.PrintResult(
                new CertificatesRevoked(revoked),
                $"{Wording.Count(revoked.Length, "certificate")} revoked{(revoked is [] ? "" : $": {string.Join(", ", revoked)}")}");
        return revoked is [] ? ExitCode.Done : await parsed.SayHostsBehind(ca!, cancellation, parsed.GetValue(wait));
    }
}
