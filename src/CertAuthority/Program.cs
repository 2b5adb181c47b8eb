using System.CommandLine;
using CertAuthority;
using CertAuthority.Configuration;
using CertAuthority.Hosting;
using CertAuthority.Linux;
using CertAuthority.Protocol;

var root = new DaemonCommand();
root.SetAction(async (parsed, _) =>
{
    try
    {
        if (parsed.GetValue(root.MigrateToPostgres))
            return await Move(root.Read(parsed), root.MigrateFrom(parsed), root.IsJson(parsed));
        if (!parsed.GetValue(root.CheckConfig))
            return await Run(() => root.Read(parsed));
        var settings = root.Read(parsed);
        foreach (var warning in await SettingsReview.Warnings(settings))
            Console.Error.WriteLine($"certauthority: warning: {Printable.Escape(warning)}");
        Console.WriteLine("the configuration is good");
        if (parsed.GetValue(root.AgainstRunning))
            foreach (var line in await SettingsReview.TakesBack(settings, TimeProvider.System))
                Console.WriteLine(Printable.Escape(line));
        return 0;
    }
    catch (ConfigurationException e)
    {
        return Fail(e.Faults);
    }
    catch (StartException e)
    {
        return Fail(e.Message);
    }
});

var result = root.Parse(args);
if (result.Errors.Count == 0)
{
    // The daemon handles SIGTERM itself: the library would kill the process two seconds into the drain.
    return await result.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null });
}
Fail(result.Errors.Select(error => error.Message));
return 2;

static async Task<int> Run(Func<Settings> read)
{
    // Before any file is touched.
    using var signals = Signals.Catch();
    var settings = read();
    try
    {
        (Settings Settings, Turn? Turn)? next = (settings, null);
        while (next is var (current, turn))
        {
            await using (var daemon = await Daemon.Start(current, read, signals, new BootClock(), turn))
            {
                Console.WriteLine($"ready: {new ServerAddress.Unix(current.SocketPath)}");
                // Acknowledged changes are on the disk; other changes exist only in this process. Only the next process can tell what
                // was kept.
                if (await daemon.Ended is { } fault)
                    return Fail($"{fault.Message}; stopping, so that the next start reads what is true");
                next = daemon.Next;
            }
            // The daemon that led has ended, and this one leads now; or it follows with another configuration.
            if (!signals.Stop.IsCancellationRequested)
                continue;
            next?.Turn?.Dispose();
            return 0;
        }
        return 0;
    }
    catch (OperationCanceledException) when (signals.Stop.IsCancellationRequested)
    {
        return 0;
    }
}

static async Task<int> Move(Settings settings, string? file, bool asJson)
{
    using var logs = Log.Open();
    var moved = await MoveToServer.Run(
        settings, file, TimeProvider.System, logs.CreateLogger("certauthority"), line => Console.Error.WriteLine($"certauthority: {Printable.Escape(line)}"));
    Console.WriteLine(asJson ? moved.Json() : string.Join('\n', moved.Lines().Select(Printable.Escape)));
    return 0;
}

static int Fail(params IEnumerable<string> messages)
{
    foreach (var message in messages)
        ErrorLine.Write(message);
    return 1;
}
