(()=>{var ge=e=>JSON.parse(e.textContent),x=ge(document.getElementById("about")),Oe=()=>Array.from(document.getElementsByClassName("record"),(e,t)=>({...ge(e),index:t})),wt=300,z=new Map;function te(e){let t=z.get(e);return t||(t=ge(document.getElementById(`media-${e}`)),z.size>=wt&&z.delete(z.keys().next().value),z.set(e,t)),t}var se=e=>{let{picture:t}=te(e);return t?`data:image/png;base64,${t}`:""},He="ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",Pe=e=>Array.from(e,t=>He.indexOf(t)/(He.length-1)),Ne=e=>Int8Array.from(atob(e),t=>t.charCodeAt(0));var ye=globalThis,Ie=e=>e,ne=ye.trustedTypes,Be=ne?ne.createPolicy("lit-html",{createHTML:e=>e}):void 0,Ae="$lit$",k=`lit$${Math.random().toFixed(9).slice(2)}$`,ve="?"+k,kt=`<${ve}>`,L=document,W=()=>L.createComment(""),J=e=>e===null||typeof e!="object"&&typeof e!="function",xe=Array.isArray,qe=e=>xe(e)||typeof e?.[Symbol.iterator]=="function",be=`[ 	
\f\r]`,V=/<(?:(!--|\/[^a-zA-Z])|(\/?[a-zA-Z][^>\s]*)|(\/?$))/g,je=/-->/g,Re=/>/g,M=RegExp(`>|${be}(?:([^\\s"'>=/]+)(${be}*=${be}*(?:[^ 	
\f\r"'\`<>=]|("|')|))|$)`,"g"),Ue=/'/g,De=/"/g,ze=/^(?:script|style|textarea|title)$/i,_e=e=>(t,...s)=>({_$litType$:e,strings:t,values:s}),u=_e(1),Ve=_e(2),os=_e(3),_=Symbol.for("lit-noChange"),h=Symbol.for("lit-nothing"),Fe=new WeakMap,E=L.createTreeWalker(L,129);function We(e,t){if(!xe(e)||!e.hasOwnProperty("raw"))throw Error("invalid template strings array");return Be!==void 0?Be.createHTML(t):t}var Je=(e,t)=>{let s=e.length-1,n=[],o,i=t===2?"<svg>":t===3?"<math>":"",a=V;for(let l=0;l<s;l++){let r=e[l],p,d,c=-1,m=0;for(;m<r.length&&(a.lastIndex=m,d=a.exec(r),d!==null);)m=a.lastIndex,a===V?d[1]==="!--"?a=je:d[1]!==void 0?a=Re:d[2]!==void 0?(ze.test(d[2])&&(o=RegExp("</"+d[2],"g")),a=M):d[3]!==void 0&&(a=M):a===M?d[0]===">"?(a=o??V,c=-1):d[1]===void 0?c=-2:(c=a.lastIndex-d[2].length,p=d[1],a=d[3]===void 0?M:d[3]==='"'?De:Ue):a===De||a===Ue?a=M:a===je||a===Re?a=V:(a=M,o=void 0);let f=a===M&&e[l+1].startsWith("/>")?" ":"";i+=a===V?r+kt:c>=0?(n.push(p),r.slice(0,c)+Ae+r.slice(c)+k+f):r+k+(c===-2?l:f)}return[We(e,i+(e[s]||"<?>")+(t===2?"</svg>":t===3?"</math>":"")),n]},K=class e{constructor({strings:t,_$litType$:s},n){let o;this.parts=[];let i=0,a=0,l=t.length-1,r=this.parts,[p,d]=Je(t,s);if(this.el=e.createElement(p,n),E.currentNode=this.el.content,s===2||s===3){let c=this.el.content.firstChild;c.replaceWith(...c.childNodes)}for(;(o=E.nextNode())!==null&&r.length<l;){if(o.nodeType===1){if(o.hasAttributes())for(let c of o.getAttributeNames())if(c.endsWith(Ae)){let m=d[a++],f=o.getAttribute(c).split(k),g=/([.?@])?(.*)/.exec(m);r.push({type:1,index:i,name:g[2],strings:f,ctor:g[1]==="."?ie:g[1]==="?"?ae:g[1]==="@"?re:O}),o.removeAttribute(c)}else c.startsWith(k)&&(r.push({type:6,index:i}),o.removeAttribute(c));if(ze.test(o.tagName)){let c=o.textContent.split(k),m=c.length-1;if(m>0){o.textContent=ne?ne.emptyScript:"";for(let f=0;f<m;f++)o.append(c[f],W()),E.nextNode(),r.push({type:2,index:++i});o.append(c[m],W())}}}else if(o.nodeType===8)if(o.data===ve)r.push({type:2,index:i});else{let c=-1;for(;(c=o.data.indexOf(k,c+1))!==-1;)r.push({type:7,index:i}),c+=k.length-1}i++}}static createElement(t,s){let n=L.createElement("template");return n.innerHTML=t,n}};function H(e,t,s=e,n){if(t===_)return t;let o=n!==void 0?s._$Co?.[n]:s._$Cl,i=J(t)?void 0:t._$litDirective$;return o?.constructor!==i&&(o?._$AO?.(!1),i===void 0?o=void 0:(o=new i(e),o._$AT(e,s,n)),n!==void 0?(s._$Co??=[])[n]=o:s._$Cl=o),o!==void 0&&(t=H(e,o._$AS(e,t.values),o,n)),t}var oe=class{constructor(t,s){this._$AV=[],this._$AN=void 0,this._$AD=t,this._$AM=s}get parentNode(){return this._$AM.parentNode}get _$AU(){return this._$AM._$AU}u(t){let{el:{content:s},parts:n}=this._$AD,o=(t?.creationScope??L).importNode(s,!0);E.currentNode=o;let i=E.nextNode(),a=0,l=0,r=n[0];for(;r!==void 0;){if(a===r.index){let p;r.type===2?p=new j(i,i.nextSibling,this,t):r.type===1?p=new r.ctor(i,r.name,r.strings,this,t):r.type===6&&(p=new le(i,this,t)),this._$AV.push(p),r=n[++l]}a!==r?.index&&(i=E.nextNode(),a++)}return E.currentNode=L,o}p(t){let s=0;for(let n of this._$AV)n!==void 0&&(n.strings!==void 0?(n._$AI(t,n,s),s+=n.strings.length-2):n._$AI(t[s])),s++}},j=class e{get _$AU(){return this._$AM?._$AU??this._$Cv}constructor(t,s,n,o){this.type=2,this._$AH=h,this._$AN=void 0,this._$AA=t,this._$AB=s,this._$AM=n,this.options=o,this._$Cv=o?.isConnected??!0}get parentNode(){let t=this._$AA.parentNode,s=this._$AM;return s!==void 0&&t?.nodeType===11&&(t=s.parentNode),t}get startNode(){return this._$AA}get endNode(){return this._$AB}_$AI(t,s=this){t=H(this,t,s),J(t)?t===h||t==null||t===""?(this._$AH!==h&&this._$AR(),this._$AH=h):t!==this._$AH&&t!==_&&this._(t):t._$litType$!==void 0?this.$(t):t.nodeType!==void 0?this.T(t):qe(t)?this.k(t):this._(t)}O(t){return this._$AA.parentNode.insertBefore(t,this._$AB)}T(t){this._$AH!==t&&(this._$AR(),this._$AH=this.O(t))}_(t){this._$AH!==h&&J(this._$AH)?this._$AA.nextSibling.data=t:this.T(L.createTextNode(t)),this._$AH=t}$(t){let{values:s,_$litType$:n}=t,o=typeof n=="number"?this._$AC(t):(n.el===void 0&&(n.el=K.createElement(We(n.h,n.h[0]),this.options)),n);if(this._$AH?._$AD===o)this._$AH.p(s);else{let i=new oe(o,this),a=i.u(this.options);i.p(s),this.T(a),this._$AH=i}}_$AC(t){let s=Fe.get(t.strings);return s===void 0&&Fe.set(t.strings,s=new K(t)),s}k(t){xe(this._$AH)||(this._$AH=[],this._$AR());let s=this._$AH,n,o=0;for(let i of t)o===s.length?s.push(n=new e(this.O(W()),this.O(W()),this,this.options)):n=s[o],n._$AI(i),o++;o<s.length&&(this._$AR(n&&n._$AB.nextSibling,o),s.length=o)}_$AR(t=this._$AA.nextSibling,s){for(this._$AP?.(!1,!0,s);t!==this._$AB;){let n=Ie(t).nextSibling;Ie(t).remove(),t=n}}setConnected(t){this._$AM===void 0&&(this._$Cv=t,this._$AP?.(t))}},O=class{get tagName(){return this.element.tagName}get _$AU(){return this._$AM._$AU}constructor(t,s,n,o,i){this.type=1,this._$AH=h,this._$AN=void 0,this.element=t,this.name=s,this._$AM=o,this.options=i,n.length>2||n[0]!==""||n[1]!==""?(this._$AH=Array(n.length-1).fill(new String),this.strings=n):this._$AH=h}_$AI(t,s=this,n,o){let i=this.strings,a=!1;if(i===void 0)t=H(this,t,s,0),a=!J(t)||t!==this._$AH&&t!==_,a&&(this._$AH=t);else{let l=t,r,p;for(t=i[0],r=0;r<i.length-1;r++)p=H(this,l[n+r],s,r),p===_&&(p=this._$AH[r]),a||=!J(p)||p!==this._$AH[r],p===h?t=h:t!==h&&(t+=(p??"")+i[r+1]),this._$AH[r]=p}a&&!o&&this.j(t)}j(t){t===h?this.element.removeAttribute(this.name):this.element.setAttribute(this.name,t??"")}},ie=class extends O{constructor(){super(...arguments),this.type=3}j(t){this.element[this.name]=t===h?void 0:t}},ae=class extends O{constructor(){super(...arguments),this.type=4}j(t){this.element.toggleAttribute(this.name,!!t&&t!==h)}},re=class extends O{constructor(t,s,n,o,i){super(t,s,n,o,i),this.type=5}_$AI(t,s=this){if((t=H(this,t,s,0)??h)===_)return;let n=this._$AH,o=t===h&&n!==h||t.capture!==n.capture||t.once!==n.once||t.passive!==n.passive,i=t!==h&&(n===h||o);o&&this.element.removeEventListener(this.name,this,n),i&&this.element.addEventListener(this.name,this,t),this._$AH=t}handleEvent(t){typeof this._$AH=="function"?this._$AH.call(this.options?.host??this.element,t):this._$AH.handleEvent(t)}},le=class{constructor(t,s,n){this.element=t,this.type=6,this._$AN=void 0,this._$AM=s,this.options=n}get _$AU(){return this._$AM._$AU}_$AI(t){H(this,t)}},Ke={M:Ae,P:k,A:ve,C:1,L:Je,R:oe,D:qe,V:H,I:j,H:O,N:ae,U:re,B:ie,F:le},St=ye.litHtmlPolyfillSupport;St?.(K,j),(ye.litHtmlVersions??=[]).push("3.3.3");var Ye=(e,t,s)=>{let n=s?.renderBefore??t,o=n._$litPart$;if(o===void 0){let i=s?.renderBefore??null;n._$litPart$=o=new j(t.insertBefore(W(),i),i,void 0,s??{})}return o._$AI(e),o};var Ge={ATTRIBUTE:1,CHILD:2,PROPERTY:3,BOOLEAN_ATTRIBUTE:4,EVENT:5,ELEMENT:6},ce=e=>(...t)=>({_$litDirective$:e,values:t}),R=class{constructor(t){}get _$AU(){return this._$AM._$AU}_$AT(t,s,n){this._$Ct=t,this._$AM=s,this._$Ci=n}_$AS(t,s){return this.update(t,s)}update(t,s){return this.render(...s)}};var Tt={},Xe=ce(class extends R{constructor(){super(...arguments),this.ot=Tt}render(e,t){return t()}update(e,[t,s]){if(Array.isArray(t)){if(Array.isArray(this.ot)&&this.ot.length===t.length&&t.every((n,o)=>n===this.ot[o]))return _}else if(this.ot===t)return _;return this.ot=Array.isArray(t)?Array.from(t):t,this.render(t,s)}});function pe(e,t,s){let n=document.createElement("a");n.href=URL.createObjectURL(new Blob([s],{type:t})),n.download=e,n.click(),setTimeout(()=>URL.revokeObjectURL(n.href),1e4)}var Ct=e=>/[",\r\n]/.test(e)?`"${e.replaceAll('"','""')}"`:e,Qe=e=>e.map(t=>`${t.map(s=>Ct(String(s))).join(",")}
`).join(""),Ze=(e,t)=>/^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(e)?t+e:e;function et(e){let t=[["path","label","score","confident"]];for(let s of e.filter(n=>!n.error))for(let n of s.tags.length?s.tags:[{label:"",score:""}])t.push([Ze(s.path,"./"),Ze(n.label,"'"),n.score,s.confident]);return Qe(t)}var Mt=["path","duration","tags","confident","error","warning","segments","by_model"];function tt(e){let t=e.map(s=>Object.fromEntries(Mt.map(n=>[n,s[n]])));return`${JSON.stringify(t,null,2)}
`}function Y(e){if(!e.src||!e.path.isWellFormed())return null;try{let t=location.protocol==="file:",s=decodeURIComponent(t?new URL(e.src,location).pathname:e.src);return t?s.replace(/^\/([A-Za-z]:)/,"$1"):s}catch{return null}}function st(e,t){let n=e.filter(o=>t.has(o.path)).map(o=>[Y(o),t.get(o.path)]);return Qe([["path","label"],...n])}function S(e){if(e==null)return"\u2013";let t=Math.round(e*10),[s,n,o]=[Math.floor(t/36e3),Math.floor(t/600)%60,t%600/10],i=o.toFixed(1).padStart(4,"0");return s?`${s}:${String(n).padStart(2,"0")}:${i}`:`${n}:${i}`}function nt(e){return e<60?`${e.toFixed(1)} s`:e<3600?`${(e/60).toFixed(1)} min`:`${(e/3600).toFixed(1)} h`}var P=e=>e.toFixed(2),G=e=>e.toLocaleString("en"),X=(e,t)=>`${G(e)} ${t}${e===1?"":"s"}`,y=e=>U(e.replaceAll("_"," ")),Et=/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,U=e=>e.replace(Et,t=>`\\u${t.charCodeAt(0).toString(16).padStart(4,"0")}`),ot=e=>Math.max(e.lastIndexOf("/"),e.lastIndexOf("\\"))+1,Z=e=>U(e==="-"?"standard input":e.slice(ot(e))),ue=e=>U(e.slice(0,ot(e)));var N=e=>Ve`<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false"><path d=${e} fill="currentColor"></path></svg>`,b={play:N("M4 2.5v11l9.5-5.5z"),pause:N("M4 2.5h3v11H4zM9 2.5h3v11H9z"),search:N("M7 1.5a5.5 5.5 0 1 0 3.2 10L14 15.3l1.3-1.3-3.8-3.8A5.5 5.5 0 0 0 7 1.500zm0 1.8a3.700 3.700 0 1 1 0 7.400 3.700 3.700 0 0 1 0-7.400z"),close:N("M3.300 2 8 6.700 12.700 2 14 3.300 9.300 8l4.700 4.700-1.300 1.300L8 9.300 3.300 14 2 12.700 6.700 8 2 3.300z"),check:N("M6.200 12.600 1.900 8.300l1.400-1.400 2.900 2.900 6.500-6.500 1.400 1.400z"),theme:N("M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zm0 1.800v10.400a5.200 5.200 0 0 1 0-10.400z"),save:N("M7 1.500h2v6.600l2.500-2.500 1.400 1.400L8 11.900 3.100 7l1.400-1.400L7 8.100zM2 13h12v1.800H2z")};var $=document.createElement("audio");$.preload="none";var A={index:null,failed:new Set},D=()=>{},at=e=>D=e,Q=e=>!!(e.src||te(e.index).audio),T=e=>A.index===e?.index&&!$.paused;function I(e,t){Q(e)&&(A.index!==e.index&&(A.index=e.index,$.src=te(e.index).audio||e.src,t??=0),t!==void 0&&de(t),$.play().catch(()=>{}),D())}function F(e){T(e)?$.pause():I(e)}function de(e){let t=()=>$.currentTime=Math.max(0,e);$.readyState?t():$.addEventListener("loadedmetadata",t,{once:!0})}var Lt=()=>$.currentTime/($.duration||1)||0,it=0;function we(){for(let e of document.querySelectorAll(`[data-time="${A.index}"]`))e.style.setProperty("--at",`${100*Lt()}%`);cancelAnimationFrame(it),$.paused||(it=requestAnimationFrame(we))}for(let e of["play","pause","ended"])$.addEventListener(e,()=>(we(),D()));for(let e of["seeked","timeupdate"])$.addEventListener(e,()=>(we(),D()));$.addEventListener("playing",()=>(A.failed.delete(A.index),D()));$.addEventListener("error",()=>(A.failed.add(A.index),D()));var v=e=>e.tags[0]?.label??"",rt=e=>e.tags[0]?.score??-1,ke={unsure:e=>!e.error&&!e.confident,failed:e=>e.error!==null,warning:e=>e.warning!==null,corrected:(e,t)=>t.has(e.path)},Ht={path:e=>e.path,label:v,score:rt,duration:e=>e.duration??-1},{compare:lt}=new Intl.Collator("en",{numeric:!0,sensitivity:"base"}),Ot=(e,t)=>typeof e=="string"?lt(e,t):e-t,Pt=e=>(e.text??=[e.path,...e.tags.map(t=>t.label.replaceAll("_"," "))].join(`
`).toLowerCase(),e.text);function Se(e,{query:t,status:s,label:n,minScore:o,sort:i,corrections:a}){let l=t.toLowerCase().replaceAll("_"," ").split(/\s+/).filter(Boolean),r=e.filter(p=>(!s||ke[s](p,a))&&(!n||v(p)===n)&&(!o||rt(p)>=o)&&l.every(d=>Pt(p).replaceAll("_"," ").includes(d)));if(i.key){let p=Ht[i.key],d=i.descending?-1:1;r.sort((c,m)=>d*Ot(p(c),p(m))||c.index-m.index)}return r}function ct(e){let t=new Map;for(let s of e.filter(n=>!n.error).map(v))s&&t.set(s,(t.get(s)??0)+1);return[...t].sort((s,n)=>n[1]-s[1]||lt(s[0],n[0]))}var Te=new Map,Ce;function Nt(e){let t=e.filter(i=>i.vector).map(i=>[i,Ne(i.vector)]),s=new Float32Array(t[0]?.[1].length??0),n=i=>{let a=Math.hypot(...i)||1;return i.map(l=>l/a)},o=t.map(([i,a])=>[i,n(Float32Array.from(a))]);if(o.length>10)for(let[,i]of o)i.forEach((a,l)=>s[l]+=a/o.length);return new Map(o.map(([i,a])=>[i,n(a.map((l,r)=>l-s[r]))]))}function pt(e,t,s=6){Ce??=Nt(t);let n=Ce.get(e);if(!n)return[];if(!Te.has(e)){let o=[];for(let[i,a]of Ce){if(i===e)continue;let l=0;for(let r=0;r<n.length;r++)l+=n[r]*a[r];o.push([l,i])}o.sort((i,a)=>a[0]-i[0]),Te.set(e,o.slice(0,s).map(([,i])=>i))}return Te.get(e)}var{I:It}=Ke,ut=e=>e;var dt=()=>document.createComment(""),q=(e,t,s)=>{let n=e._$AA.parentNode,o=t===void 0?e._$AB:t._$AA;if(s===void 0){let i=n.insertBefore(dt(),o),a=n.insertBefore(dt(),o);s=new It(i,a,e,e.options)}else{let i=s._$AB.nextSibling,a=s._$AM,l=a!==e;if(l){let r;s._$AQ?.(e),s._$AM=e,s._$AP!==void 0&&(r=e._$AU)!==a._$AU&&s._$AP(r)}if(i!==o||l){let r=s._$AA;for(;r!==i;){let p=ut(r).nextSibling;ut(n).insertBefore(r,o),r=p}}}return s},C=(e,t,s=e)=>(e._$AI(t,s),e),Bt={},ht=(e,t=Bt)=>e._$AH=t,mt=e=>e._$AH,he=e=>{e._$AR(),e._$AA.remove()};var ft=(e,t,s)=>{let n=new Map;for(let o=t;o<=s;o++)n.set(e[o],o);return n},$t=ce(class extends R{constructor(e){if(super(e),e.type!==Ge.CHILD)throw Error("repeat() can only be used in text expressions")}dt(e,t,s){let n;s===void 0?s=t:t!==void 0&&(n=t);let o=[],i=[],a=0;for(let l of e)o[a]=n?n(l,a):a,i[a]=s(l,a),a++;return{values:i,keys:o}}render(e,t,s){return this.dt(e,t,s).values}update(e,[t,s,n]){let o=mt(e),{values:i,keys:a}=this.dt(t,s,n);if(!Array.isArray(o))return this.ut=a,i;let l=this.ut??=[],r=[],p,d,c=0,m=o.length-1,f=0,g=i.length-1;for(;c<=m&&f<=g;)if(o[c]===null)c++;else if(o[m]===null)m--;else if(l[c]===a[f])r[f]=C(o[c],i[f]),c++,f++;else if(l[m]===a[g])r[g]=C(o[m],i[g]),m--,g--;else if(l[c]===a[g])r[g]=C(o[c],i[g]),q(e,r[g+1],o[c]),c++,g--;else if(l[m]===a[f])r[f]=C(o[m],i[f]),q(e,o[c],o[m]),m--,f++;else if(p===void 0&&(p=ft(a,f,g),d=ft(l,c,m)),p.has(l[c]))if(p.has(l[m])){let w=d.get(a[f]),$e=w!==void 0?o[w]:null;if($e===null){let Le=q(e,o[c]);C(Le,i[f]),r[f]=Le}else r[f]=C($e,i[f]),q(e,o[c],$e),o[w]=null;f++}else he(o[m]),m--;else he(o[c]),c++;for(;f<=g;){let w=q(e,r[g+1]);C(w,i[f]),r[f++]=w}for(;c<=m;){let w=o[c++];w!==null&&he(w)}return this.ut=a,ht(e,r),_}});var B=56,jt=36,gt=6,Rt=[["path","File"],["label","Label"],["score","Score"],[null,"Sound"],["duration","Length"]];function bt(e,t){let{shown:s,scroll:n,selected:o}=e,i=Math.max(0,Math.floor(n.top/B)-gt),a=s.slice(i,Math.ceil((n.top+n.height)/B)+gt),l=({target:r})=>t.update({scroll:{top:r.scrollTop,height:r.clientHeight}});return u`<div
    class="files"
    role="grid"
    tabindex="0"
    aria-label="Files"
    aria-rowcount=${s.length+1}
    aria-activedescendant=${a.includes(o)?`row-${o.index}`:h}
    @scroll=${l}
  >
    <div role="rowgroup" class="heads"><div role="row" aria-rowindex="1" class="cells">
      <span role="columnheader" class="cell-play"><span class="hidden">Play</span></span>
      ${Rt.map(r=>Ut(r,e,t))}
    </div></div>
    <div role="rowgroup" class="rows" .style=${`height:${s.length*B}px`}>
      ${$t(a,r=>r.index,(r,p)=>Dt(r,i+p,e,t))}
      ${s.length?h:u`<div role="row" class="none"><span role="gridcell">No file fits. <button class="quiet" @click=${()=>t.filter({query:"",status:"",label:"",minScore:0})}>Show all</button></span></div>`}
    </div>
  </div>`}function Ut([e,t],{sort:s},{filter:n}){if(!e)return u`<span role="columnheader" class="cell-sound">${t}</span>`;let o=s.key===e,i=o?s.descending?"descending":"ascending":"none",a=e==="score"||e==="duration",l=o?s.descending===a?{key:e,descending:!a}:{key:"",descending:!1}:{key:e,descending:a};return u`<span role="columnheader" class=${`cell-${e}`} aria-sort=${i}>
    <button class="sort" @click=${()=>n({sort:l})}>${t}<span class="arrow" aria-hidden="true">${{ascending:"\u2191",descending:"\u2193",none:""}[i]}</span></button>
  </span>`}function Dt(e,t,{selected:s,corrections:n},o){let i=Z(e.path),a=n.get(e.path),l=e.error?"failed":e.confident?"":"unsure",r=p=>(p.stopPropagation(),o.select(e),F(e));return u`<div
    role="row"
    id=${`row-${e.index}`}
    class=${`row cells ${l}`}
    aria-rowindex=${t+2}
    aria-selected=${e===s}
    .style=${`transform:translateY(${t*B}px)`}
    @click=${()=>o.select(e,{open:!0})}
  >
    <span role="gridcell" class="cell-play">${Q(e)&&!e.error?u`<button class="play" tabindex="-1" aria-label=${`${T(e)?"Pause":"Play"} ${i}`} @click=${r}>${T(e)?b.pause:b.play}</button>`:h}</span>
    <span role="gridcell" class="cell-path"><bdi class="name">${i}</bdi><bdi class="folder dim">${ue(e.path)}</bdi></span>
    <span role="gridcell" class="cell-label" data-score=${e.tags.length?P(e.tags[0].score):""}><bdi class="name">${a!==void 0?u`<span class="yours">${b.check} ${y(a)}</span>`:e.error?u`<span class="mark">failed</span>`:y(v(e))||u`<span class="dim">silence</span>`}</bdi>
      ${l==="unsure"&&e.tags.length?u`<span class="mark">unsure</span>`:h}
      ${e.warning?u`<span class="mark">warning</span>`:h}</span>
    <span role="gridcell" class="cell-score">${e.tags.length?u`<span class="meter" aria-hidden="true"><span .style=${`width:${100*e.tags[0].score}%`}></span></span>${P(e.tags[0].score)}`:h}</span>
    <span role="gridcell" class="cell-sound">${e.error?h:Me(e,o)}</span>
    <span role="gridcell" class="cell-duration">${e.error?h:S(e.duration)}</span>
  </div>`}function Me(e,t){let s=se(e.index),n=o=>{o.stopPropagation(),t.select(e);let i=o.currentTarget.getBoundingClientRect();I(e,(o.clientX-i.left)/i.width*e.duration)};return u`<span class="strip" data-time=${e.index} @click=${n}>
    ${s?u`<img src=${s} alt="" decoding="sync" draggable="false" />`:u`<span class="no-picture"></span>`}
    <span class="segments">${(e.segments??[]).map(o=>u`<span
        class=${o.label===v(e)?"own":"other"}
        title=${`${y(o.label)} ${S(o.start)}\u2013${S(o.end)}`}
        .style=${`left:${100*o.start/e.duration}%;width:${100*(o.end-o.start)/e.duration}%`}
      ></span>`)}</span>
    <span class="now"></span>
  </span>`}function Ee(e){let t=document.querySelector(".files"),[s,n]=[e*B,t.clientHeight-jt];s<t.scrollTop?t.scrollTop=s:s+B>t.scrollTop+n&&(t.scrollTop=s+B-n)}function yt(e,t){let s=e.selected;return s?u`
    <div class="details-head">
      <h2><bdi>${Z(s.path)}</bdi></h2>
      <button class="quiet close" aria-label="Close the details" @click=${()=>t.update({open:!1})}>${b.close}</button>
    </div>
    <p class="dim folder"><bdi>${ue(s.path)}</bdi></p>
    ${Ft(s)} ${s.error&&!s.duration?h:[qt(s,t),Wt(s),Kt(s,e,t)]}
    ${Yt(s,e,t)}
    <p class="keys dim"><kbd>↑</kbd><kbd>↓</kbd> file <kbd>←</kbd><kbd>→</kbd> 1 s <kbd>space</kbd> play <kbd>/</kbd> search <kbd>↵</kbd> confirm <kbd>c</kbd> correct</p>
  `:u`<p class="dim">No file is selected.</p>`}var Ft=e=>[e.error?u`<p class="remark">${e.error.message}</p>`:h,e.warning?u`<p class="remark">${e.warning.message}</p>`:h,!e.error&&!e.confident&&e.tags.length?u`<p class="remark">Unsure: the best score is low, and the sound may be none of the labels.</p>`:h,A.failed.has(e.index)?u`<p class="remark" role="alert">The browser cannot play it: the file is not there any more, or of a format that it does not know. A page made with <code>--embed-audio</code> has the audio in it.</p>`:h];function qt(e,t){let s=se(e.index),n=e.duration||1,o=Q(e),i=r=>{let p=r.currentTarget.getBoundingClientRect();r.detail&&I(e,(r.clientX-p.left)/p.width*n)},l=A.index===e.index?$.currentTime:0;return u`<div class="sound" data-time=${e.index}>
    <div
      class="picture"
      role="slider"
      tabindex="0"
      aria-label="Position"
      aria-valuemin="0"
      aria-valuemax=${n.toFixed(1)}
      aria-valuenow=${l.toFixed(1)}
      aria-valuetext=${`${S(l)} of ${S(n)}`}
      @click=${i}
    >
      ${s?u`<img src=${s} alt="" draggable="false" />`:u`<span class="no-picture dim">no picture</span>`}
      <span class="now"></span>
    </div>
    ${zt(e,i)}
    <div class="controls">
      <button class="main round" ?disabled=${!o} aria-label=${T(e)?"Pause":"Play"} @click=${()=>F(e)}>${T(e)?b.pause:b.play}</button>
      <span class="time">${S(l)} <span class="dim">/ ${S(e.duration)}</span></span>
      <span class="dim axis">0–8 kHz, log-mel</span>
    </div>
  </div>`}function zt(e,t){let{offset:s=0,step:n=e.duration,labels:o={}}=e.timeline??{},i=Object.entries(o);return i.length?u`<div class="lanes">
    ${i.map(([a,l])=>u`<div class="lane" @click=${t} title=${y(a)}>
        <span class="heat" .style=${`background:${Vt(Pe(l),s,n,e.duration)}`}></span>
        <span class="lane-name">${y(a)}</span>
        <span class="now"></span>
      </div>`)}
  </div>`:h}function Vt(e,t,s,n){return`linear-gradient(to right, ${e.map((i,a)=>{let l=a?(t+a*s)/n:0,r=a+1<e.length?(t+(a+1)*s)/n:1;return`${`color-mix(in srgb, var(--accent) ${(50*i).toFixed(0)}%, transparent)`} ${(100*l).toFixed(2)}% ${(100*r).toFixed(2)}%`}).join(", ")})`}function Wt(e){let t=Object.keys(e.by_model??{}).length?Object.keys(e.by_model):Object.keys(x.models),s=e.opinions??Jt(e,t);if(!s.length)return h;let n=e.opinions||s[0].length>2?["ensemble",...t]:["score"];return u`<h3>Labels</h3>
    <table class="opinions">
      <thead>
        <tr><th scope="col">label</th>${n.map(o=>u`<th scope="col">${o}</th>`)}</tr>
      </thead>
      <tbody>
        ${s.map(([o,...i])=>u`<tr>
            <th scope="row">${y(o)}</th>
            ${i.map(a=>u`<td><span class="meter" aria-hidden="true"><span .style=${`width:${100*(a??0)}%`}></span></span>${a===void 0?"\u2013":P(a)}</td>`)}
          </tr>`)}
      </tbody>
    </table>`}var Jt=(e,t)=>e.tags.map(s=>[s.label,s.score,...Object.keys(e.by_model??{}).length?t.map(n=>e.by_model[n].find(o=>o.label===s.label)?.score):[]]);function Kt(e,t,s){let n=pt(e,t.records);return n.length?u`<h3>Sounds like this</h3>
    <ul class="similar">
      ${n.map(o=>u`<li>
          ${Me(o,s)}
          <button class="quiet" @click=${()=>s.show(o)}><bdi class="name">${Z(o.path)}</bdi> <span class="dim">${y(v(o))}</span></button>
        </li>`)}
    </ul>`:h}function Yt(e,{corrections:t,labels:s},n){if(Y(e)===null)return u`<p class="dim">Its name is not one that can be written to a list, so it cannot be corrected here.</p>`;let o=t.get(e.path),i=v(e),a=[...new Set([...t.values(),...x.labels,...s.map(([r])=>r)])];return u`<h3>Is it right?</h3>
    <form class="correct" @submit=${r=>{r.preventDefault();let d=r.target.elements.label.value.trim();n.correct(e,a.find(c=>y(c).toLowerCase()===d.toLowerCase())??d)}}>
      ${i?u`<button type="button" aria-pressed=${o===i} @click=${()=>n.correct(e,i)}>${b.check} ${y(i)}</button>`:h}
      <label><span class="hidden">Correct label</span><input name="label" list="labels" placeholder="or its right label" autocomplete="off" .value=${o&&o!==i?o:""} /></label>
      <button>Save</button>
      ${o!==void 0?u`<button type="button" class="quiet" @click=${()=>n.forget(e)}>Undo</button>`:h}
      <datalist id="labels">${a.map(r=>u`<option value=${r}></option>`)}</datalist>
    </form>`}var At=10;function vt(e,t){let s={ArrowDown:1,ArrowUp:-1,PageDown:At,PageUp:-At,Home:-1/0,End:1/0},n={" ":()=>e.selected&&F(e.selected),"/":()=>document.querySelector(".search input").select(),c:()=>{t.update({open:!0}),document.querySelector(".correct input")?.select()},Enter:()=>e.selected&&t.correct(e.selected,v(e.selected)),ArrowRight:()=>de($.currentTime+1),ArrowLeft:()=>de($.currentTime-1),Escape:()=>t.update({open:!1})};addEventListener("keydown",o=>{if(o.ctrlKey||o.metaKey||o.altKey)return;if(o.target.matches("input:not([type=checkbox]), select, textarea")){o.key==="Escape"&&document.querySelector(".files").focus();return}if(!(o.target.closest("button, summary, a, input")&&(o.key===" "||o.key==="Enter"))){if(o.key in s)t.move(s[o.key]);else if(o.key in n)n[o.key]();else return;o.preventDefault()}})}function me(e,t){try{return JSON.parse(localStorage.getItem(`audiotagger ${e}`))??t}catch{return t}}function ee(e,t){try{localStorage.setItem(`audiotagger ${e}`,JSON.stringify(t))}catch{}}var fe=document.documentElement;fe.dataset.theme=me("theme",matchMedia("(prefers-color-scheme: dark)").matches?"dark":"light");function xt(e,t){document.title=e;let s=()=>{fe.dataset.theme=fe.dataset.theme==="dark"?"light":"dark",ee("theme",fe.dataset.theme),t()};return u`<header class="top">
    <h1>${e}</h1>
    <p class="dim provenance">${Gt()}</p>
    <button class="quiet" @click=${s} aria-label="Switch between dark and light">${b.theme}</button>
  </header>`}function Gt(){let e=Object.entries(x.models??{}).map(([s,n])=>`${U(s)} ${U(n)}`);return[new Date(x.created).toLocaleString("en",{dateStyle:"medium",timeStyle:"short"}),...e].join(" \xB7 ")}function _t(e){let t=Oe(),s=`corrections ${x.created}`,n={records:t,labels:ct(t),query:"",status:"",label:"",minScore:0,sort:{key:"",descending:!1},corrections:new Map(me(s,[])),selected:t[0]??null,open:!1,autoplay:!1,scroll:{top:0,height:800},changes:0};n.shown=Se(t,n);let o=(l={})=>{Object.assign(n,l),Ye(Xt(n,i),e)},i={update:o,filter(l){Object.assign(n,l),n.shown=Se(t,n),n.shown.includes(n.selected)||(n.selected=n.shown[0]??null),document.querySelector(".files")?.scrollTo(0,0),o()},select(l,{open:r=n.open}={}){let p=l!==n.selected;o({selected:l,open:r}),p&&n.autoplay&&I(l,0)},show(l){let r=n.shown.indexOf(l);r>=0&&Ee(r),i.select(l)},move(l){let r=Math.min(Math.max(n.shown.indexOf(n.selected)+l,0),n.shown.length-1);r<0||(Ee(r),i.select(n.shown[r]))},correct(l,r){!r||Y(l)===null||(n.corrections.set(l.path,r),ee(s,[...n.corrections]),o({changes:n.changes+1}),i.move(1))},forget(l){n.corrections.delete(l.path),ee(s,[...n.corrections]),o({changes:n.changes+1})}};at(()=>o()),addEventListener("resize",()=>o()),vt(n,i),o(),document.body.append($);let a=document.querySelector(".files");o({scroll:{top:0,height:a.clientHeight}})}var Xt=(e,t)=>{let{selected:s,status:n,label:o,query:i,minScore:a,autoplay:l,open:r,changes:p}=e,d=(c,m)=>Xe([p,...c],m);return u`
    ${xt("Audio tagging report",()=>t.update({changes:p+1}))}
    <main class=${r?"tagging open":"tagging"}>
      <section class="overview" aria-label="Overview">
        ${d([n,o],()=>[Zt(e,t),Qt(e,t)])}
      </section>
      <section class="results" aria-label="Files">
        ${d([i,n,o,a,l],()=>es(e,t))} ${bt(e,t)}
        ${d([],()=>ts(e))}
      </section>
      <aside class="details" aria-label="Details">
        ${d([s,A.index,T(s),$.currentTime,A.failed.size],()=>yt(e,t))}
      </aside>
    </main>
  `};function Zt({records:e,status:t,corrections:s},{filter:n}){let o=e.reduce((a,l)=>a+(l.duration??0),0),i=(a,l,r,p=h)=>u`<button
    class="number"
    data-status=${a}
    aria-pressed=${t===a}
    ?disabled=${!r&&t!==a}
    @click=${()=>n({status:t===a?"":a})}
  >
    <strong>${G(r)}</strong> <span>${l}</span>${p}
  </button>`;return u`<div class="numbers" role="group" aria-label="Which files">
    ${i("","files",e.length,u`<span class="total"><strong>${nt(o)}</strong> <span>of audio</span></span>`)}
    ${Object.entries(ke).map(([a,l])=>i(a,a,e.filter(r=>l(r,s)).length))}
  </div>`}function Qt({labels:e,label:t,records:s},{filter:n}){let o=e[0]?.[1]??1;return u`<h2 class="wide">Labels found <span class="dim">${e.length}</span></h2>
    <ul class="facets wide">
      ${e.map(([i,a])=>u`<li>
          <button aria-pressed=${i===t} @click=${()=>n({label:i===t?"":i})}>
            <span class="facet-bar" .style=${`width:${100*a/o}%`}></span>
            <span class="facet-name">${y(i)}</span><span class="dim">${G(a)}</span>
          </button>
        </li>`)}
    </ul>`}function es(e,{filter:t,update:s}){let{shown:n,labels:o,label:i,query:a,minScore:l,autoplay:r}=e,p=d=>{d==="csv"?pe("results.csv","text/csv",et(n)):pe("results.json","application/json",tt(n))};return u`<form class="toolbar" role="search" @submit=${d=>d.preventDefault()}>
    <label class="search">
      ${b.search}<span class="hidden">Search</span>
      <input
        type="search"
        placeholder="Search names and labels"
        .value=${a}
        autocomplete="off"
        spellcheck="false"
        @input=${d=>t({query:d.target.value})}
      /><kbd aria-hidden="true">/</kbd>
    </label>
    <label class="narrow">
      <span class="hidden">Label</span>
      <select .value=${i} @change=${d=>t({label:d.target.value})}>
        <option value="">All labels</option>
        ${o.map(([d,c])=>u`<option value=${d} ?selected=${d===i}>${y(d)} (${c})</option>`)}
      </select>
    </label>
    <label class="score">
      <span>Score ≥ <strong>${P(l)}</strong></span>
      <input type="range" min="0" max="1" step="0.05" .value=${String(l)} aria-label="Lowest score"
        @input=${d=>t({minScore:Number(d.target.value)})} />
    </label>
    <label class="autoplay"><input type="checkbox" .checked=${r} @change=${d=>s({autoplay:d.target.checked})} /> Auto-play</label>
    <span class="line"><span class="found" role="status">${n.length===e.records.length?X(n.length,"file"):`${G(n.length)} of ${X(e.records.length,"file")}`}</span>
    <span class="keep">
      <button type="button" class="quiet" @click=${()=>p("csv")} aria-label="Download these results as CSV">${b.save} CSV</button>
      <button type="button" class="quiet" @click=${()=>p("json")} aria-label="Download these results as JSON">${b.save} JSON</button>
    </span></span>
  </form>`}function ts({records:e,corrections:t}){if(!t.size)return h;let s=new Set(t.values()).size;return u`<section class="corrections" aria-label="Corrections">
    <p><strong>${X(t.size,"file")}</strong> with your labels (${X(s,"label")}).
      <span class="dim">Train on them: <code>audiotagger train --model mel corrections.csv</code></span></p>
    <button class="main" @click=${()=>pe("corrections.csv","text/csv",st(e,t))}>
      ${b.save} Download corrections
    </button>
  </section>`}var ss={tagging:_t};ss[x.kind](document.getElementById("app"));})();
