// jupyterlab_widgets from 3.0.11 on imports @jupyterlab/console, which the page of
// jupyterlab-rise does not share (jupyterlab-contrib/rise, issues 119 and 126): without
// it no widget is drawn. All that is asked of it is the name of one token.
(() => {
  const wanted = '@jupyterlab/console';
  const console_ = {IConsoleTracker: {name: `${wanted}:IConsoleTracker`}};
  const init = (scope) => {
    scope[wanted] ??= {'4.6.6': {
      get: async () => () => console_, from: 'convnets-console', eager: false,
    }};
  };
  const get = async () => () => ({__esModule: true, default: []});
  (window._JUPYTERLAB ??= {})['convnets-console'] = {init, get};
})();
