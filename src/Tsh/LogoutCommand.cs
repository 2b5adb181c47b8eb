using System.CommandLine;
using System.Text;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary><c>tsh logout</c>.</summary>
internal sealed class LogoutCommand() : Verb(
    "logout", "Removes the key and certificate in tsh's home and in the ssh-agent; what --key and --out of login wrote elsewhere stays", "tsh logout")
{
    protected override async Task<int> Run(ParseResult parsed, CancellationToken cancellation)
    {
        var home = Home.Of(parsed);
        var user = Held.In(home).User;
        if (Directory.Exists(home.Folder))
            using (HomeLock.Take(home.Folder))
                foreach (var fault in await Agent.Forget(home, cancellation))
                    parsed.Warn($"{fault}; it may still hold your certificate");
        if (File.Exists(home.SshConfig))
            AtomicFile.Write(home.SshConfig, Encoding.UTF8.GetBytes(SshConfig.LoggedOut(await File.ReadAllTextAsync(home.SshConfig, cancellation))), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        parsed.Print((home.Clear(), user) switch
        {
            (false, _) => "not logged in, nothing to remove",
            (true, null) => $"key removed from {home.Folder}",
            (true, _) => $"{user} has been logged out, key and certificate removed from {home.Folder}",
        });
        return ExitCode.Done;
    }
}
