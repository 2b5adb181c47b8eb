using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>Does the same to many hosts, several at once. One that fails does not stop the rest.</summary>
internal static class ManyHosts
{
    // Each takes a few logins by ssh, and the daemon signs and publishes for each.
    private const int AtOnce = 16;

    /// <summary>Runs until every host is done, or until the daemon is gone.</summary>
    /// <typeparam name="T">What is known of a host that is done.</typeparam>
    /// <param name="parsed">The command line, for progress and errors.</param>
    /// <param name="hosts">The hosts.</param>
    /// <param name="one">Does it to one host.</param>
    /// <param name="done">Gets the result of each host, one after the other.</param>
    /// <param name="cancellation">Cancels when the user interrupts it: no other host is begun, and those under way are awaited.</param>
    /// <returns>The names of the hosts at which it failed or was not begun, and the exit code.</returns>
    public static async Task<(List<string> Failed, int ExitCode)> Run<T>(
        ParseResult parsed, List<EnrollingHost> hosts, Func<EnrollingHost, Task<T>> one, Func<EnrollingHost, T, Task> done,
        CancellationToken cancellation)
    {
        var (waiting, running) = (new Queue<EnrollingHost>(hosts), new List<(EnrollingHost Host, Task<T> Task)>());
        var (failed, exitCode) = (new List<string>(), ExitCode.Done);
        while (running.Count > 0 || (waiting.Count > 0 && MayBegin()))
        {
            while (running.Count < AtOnce && MayBegin() && waiting.TryDequeue(out var next))
                running.Add((next, one(next)));
            var any = Task.WhenAny(running.Select(each => each.Task));
            await new Spinner(
                Spinner.IsPossible ? parsed.InvocationConfiguration.Error : null,
                $"{hosts.Count - waiting.Count - running.Count} of {Wording.Count(hosts.Count, "host")}{(failed.Count > 0 ? $", {failed.Count} failed" : "")}",
                default, TimeProvider.System).During(any);
            var ended = await any;
            var (host, _) = running.Find(each => each.Task == ended);
            running.RemoveAll(each => each.Task == ended);
            try
            {
                await done(host, await ended);
            }
            catch (Exception e) when (e is FailureException or ProblemException or UnreachableException)
            {
                Complain(host, e);
                failed.Add(host.Node);
                exitCode = e is UnreachableException ? ExitCode.Unreachable : exitCode == ExitCode.Done ? ExitCode.Failed : exitCode;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                failed.Add(host.Node);
            }
        }
        cancellation.ThrowIfCancellationRequested();
        return ([.. failed, .. waiting.Select(host => host.Node)], exitCode);

        bool MayBegin() => !cancellation.IsCancellationRequested && exitCode != ExitCode.Unreachable;

        void Complain(EnrollingHost host, Exception e)
        {
            if (e is ProblemException { Problem: var problem })
                parsed.Complain(problem, $"{host.Node}: ");
            else
                parsed.Complain($"{host.Node}: {e.Message}", (e as FailureException)?.Hint ?? (e as UnreachableException)?.Hint);
        }
    }
}
