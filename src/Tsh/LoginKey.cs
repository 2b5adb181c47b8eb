using System.Text;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>The key that a login certifies: where it comes from, and where its certificate goes.</summary>
internal abstract class LoginKey : IDisposable
{
    private protected const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>The key that the options choose. What is wrong with them is told here, before anything is asked of the daemon.</summary>
    /// <param name="home">Has the key where no option names another.</param>
    /// <param name="publicKey"><c>--key</c>: a public key of the user's own.</param>
    /// <param name="result"><c>--out</c>: where the result goes.</param>
    /// <param name="agent">What becomes of the key of the home.</param>
    /// <exception cref="FailureException">There is no such key, or something that must not be replaced is in the way.</exception>
    public static LoginKey Chosen(Home home, string? publicKey, string? result, AgentUse agent) => (publicKey, result) switch
    {
        (null, null) => agent == AgentUse.Only ? new KeyOfAgent(home) : new KeyOfHome(home, agent),
        (null, { } path) => new FreshKey(path),
        ({ } path, _) => new OwnKey(path, result),
    };

    /// <summary>The line of the public key.</summary>
    /// <param name="comment">Of a key that is made.</param>
    /// <param name="cancellation">Stops.</param>
    public abstract Task<string> PublicKey(string comment, CancellationToken cancellation);

    /// <summary>Puts the certificates in their places.</summary>
    /// <param name="login">Has them; none where each host needs one of its own, which comes later and for the same key.</param>
    /// <param name="warn">Told what did not work and does no harm.</param>
    /// <param name="cancellation">Stops.</param>
    public abstract Task Save(LoggedIn login, Action<string> warn, CancellationToken cancellation);

    /// <summary>Whether tsh itself uses it.</summary>
    public virtual bool IsOfHome => false;

    /// <summary>What to type next; null where tsh itself uses the key.</summary>
    public virtual string? Hint => null;

    /// <summary>Removes what was begun and not saved.</summary>
    public virtual void Dispose()
    {
    }

    /// <summary>Refuses to replace anything but a certificate.</summary>
    private protected static void ExpectCertificateOrNothing(string path)
    {
        ExpectFolder(path);
        if (Directory.Exists(path))
            throw new FailureException($"{path} is a directory");
        if (!File.Exists(path))
            return;
        try
        {
            OpenSsh.Certificate.ParseLine(KeyFile.Read(path));
        }
        catch (SshFormatException)
        {
            throw new FailureException($"{path} exists and is not a certificate, so it is not replaced", "name another file with --out");
        }
    }

    private protected static void ExpectFolder(string path)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder))
            throw new FailureException($"the folder of {path} does not exist");
    }

    private protected static void Write(string path, string line) => AtomicFile.Write(path, Encoding.UTF8.GetBytes(line + "\n"), OwnerOnly);

    /// <summary>Where the certificates of a login go: the first to a file that the options name, the others beside it.</summary>
    private protected static IEnumerable<(string File, OneCertificate Certificate)> Places(LoggedIn login, string first)
    {
        var stem = first.EndsWith("-cert.pub", StringComparison.Ordinal) ? first[..^"-cert.pub".Length] : first;
        foreach (var (n, one) in login.Certificates.Index())
        {
            // A name that another login of the same key gave stays: the certificate in it ends by itself.
            var file = n == 0 ? first : $"{stem}-{Home.CertificateName(one.Info)}-cert.pub";
            ExpectCertificateOrNothing(file);
            yield return (file, one);
        }
    }

    private protected static string Quoted(string path) =>
        path.Any(c => !char.IsAsciiLetterOrDigit(c) && !"/._-+@%:,=".Contains(c)) ? $"'{path.Replace("'", "'\\''")}'" : path;

    /// <summary>tsh's own, on the disk.</summary>
    private sealed class KeyOfHome(Home home, AgentUse use) : LoginKey
    {
        private Agent? agent;
        private string? unusable;
        private string key = "";

        public override bool IsOfHome => true;

        public override async Task<string> PublicKey(string comment, CancellationToken cancellation)
        {
            try
            {
                agent = use switch
                {
                    AgentUse.Yes => await Agent.Expected(cancellation),
                    AgentUse.Auto => await Agent.Running(cancellation),
                    _ => null,
                };
            }
            catch (FailureException of) when (use == AgentUse.Auto)
            {
                unusable = of.Message;
            }
            return key = await home.EnsureKey(comment, cancellation);
        }

        public override async Task Save(LoggedIn login, Action<string> warn, CancellationToken cancellation)
        {
            home.SaveCertificates(login.Certificates, key);
            // Of several logins at once the agent has the one that is on the disk.
            using var alone = HomeLock.Take(home.Folder);
            foreach (var fault in (await Agent.Forget(home, cancellation)).Append(unusable).OfType<string>().Distinct())
                warn(fault);
            try
            {
                if (agent is not null && login.Certificates is not [])
                    await agent.Add(home, home.Key, login.Certificates, plainKey: null, cancellation);
            }
            catch (FailureException refused) when (use == AgentUse.Auto)
            {
                warn(refused.Message);
            }
        }
    }

    /// <summary>A new one at each login, whose private half only the ssh-agent has.</summary>
    private sealed class KeyOfAgent(Home home) : LoginKey
    {
        private Agent? agent;
        private string? folder;
        private string publicKey = "";

        public override bool IsOfHome => true;

        public override async Task<string> PublicKey(string comment, CancellationToken cancellation)
        {
            agent = await Agent.Expected(cancellation);
            // ssh-keygen and ssh-add speak through files. These are 0600 in a folder 0700, where there is one in memory, and are gone with this process.
            folder = Path.Combine(InMemory() ?? home.Folder, $"tsh.{Guid.NewGuid():n}");
            home.EnsureFolder();
            Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
            await Keygen.Make(Key, comment, cancellation);
            return publicKey = (await File.ReadAllTextAsync(Key + ".pub", cancellation)).Trim();
        }

        public override async Task Save(LoggedIn login, Action<string> warn, CancellationToken cancellation)
        {
            using var alone = HomeLock.Take(home.Folder);
            foreach (var fault in await Agent.Forget(home, cancellation))
                warn(fault);
            await agent!.Add(home, Key, login.Certificates, login.PerHost ? login.SessionEnds : null, cancellation);
            home.SavePublic(publicKey, login.Certificates);
        }

        public override void Dispose()
        {
            if (folder is not null)
                Directory.Delete(folder, recursive: true);
            base.Dispose();
        }

        private string Key => Path.Combine(folder!, "id");

        private static string? InMemory() =>
            Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime && Directory.Exists(runtime) ? runtime
            : Directory.Exists("/dev/shm") ? "/dev/shm"
            : null;
    }

    /// <summary>One of the user's own, on disk, in an agent or in hardware. Its private half is never looked for.</summary>
    private sealed class OwnKey : LoginKey
    {
        private readonly string path;
        private readonly string key;
        private readonly string certificate;

        public OwnKey(string path, string? result)
        {
            this.path = path;
            key = KeyFile.PublicKey(path).ToString();
            certificate = result ?? Stem + "-cert.pub";
            ExpectCertificateOrNothing(certificate);
        }

        // ssh looks for FILE-cert.pub beside the private key FILE.
        private string Stem => path.EndsWith(".pub", StringComparison.Ordinal) ? path[..^4] : path;

        public override string Hint
        {
            get
            {
                var identity = File.Exists(Stem) ? Stem : path;
                var elsewhere = certificate == identity + "-cert.pub" ? "" : $"-o {Quoted($"CertificateFile={certificate.Replace(" ", "\\ ")}")} ";
                return $"ssh -i {Quoted(identity)} {elsewhere}LOGIN@HOST";
            }
        }

        public override Task<string> PublicKey(string comment, CancellationToken cancellation) => Task.FromResult(key);

        public override Task Save(LoggedIn login, Action<string> warn, CancellationToken cancellation)
        {
            foreach (var (file, one) in Places(login, certificate))
                Write(file, one.Certificate);
            return Task.CompletedTask;
        }
    }

    /// <summary>A new one, beside its certificate. It appears with the certificate, or not at all.</summary>
    private sealed class FreshKey : LoginKey
    {
        private readonly string path;
        private readonly string temporary;

        public FreshKey(string path)
        {
            this.path = path;
            temporary = $"{path}.{Guid.NewGuid():n}";
            ExpectFolder(path);
            foreach (var present in new[] { path, path + ".pub" })
                if (Path.Exists(present))
                    throw new FailureException(
                        $"{present} exists, and a key is never replaced", $"to certify the key that is there: tsh login --key {Quoted(path)}.pub");
            ExpectCertificateOrNothing(path + "-cert.pub");
        }

        public override string Hint => $"ssh -i {Quoted(path)} LOGIN@HOST";

        public override async Task<string> PublicKey(string comment, CancellationToken cancellation)
        {
            await Keygen.Make(temporary, comment, cancellation);
            return (await File.ReadAllTextAsync(temporary + ".pub", cancellation)).Trim();
        }

        public override Task Save(LoggedIn login, Action<string> warn, CancellationToken cancellation)
        {
            if (login.Certificates is [])
                return Task.CompletedTask;
            File.SetUnixFileMode(temporary + ".pub", OwnerOnly);
            File.Move(temporary, path, overwrite: false);
            File.Move(temporary + ".pub", path + ".pub", overwrite: false);
            foreach (var (file, one) in Places(login, path + "-cert.pub"))
                Write(file, one.Certificate);
            return Task.CompletedTask;
        }

        public override void Dispose()
        {
            File.Delete(temporary);
            File.Delete(temporary + ".pub");
            base.Dispose();
        }
    }
}
